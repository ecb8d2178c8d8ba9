import tornado_autocron


def test_package_says_what_it_is():
    assert tornado_autocron.__doc__
