"""Tests in a browser: `make test-browser`. Runs that do not name them leave them out."""


def pytest_ignore_collect(collection_path, config):
    "Leave these tests out unless the command names them."
    named = "browser" in config.option.markexpr or any("browser" in str(arg) for arg in config.args)
    return None if named else True
