import bottle_autocron


def test_package_says_what_it_is():
    assert bottle_autocron.__doc__
