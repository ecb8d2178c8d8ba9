import pyramid_autocron


def test_package_says_what_it_is():
    assert pyramid_autocron.__doc__
