import flask_autocron


def test_package_says_what_it_is():
    assert flask_autocron.__doc__
