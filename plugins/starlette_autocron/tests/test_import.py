import starlette_autocron


def test_package_says_what_it_is():
    assert starlette_autocron.__doc__
