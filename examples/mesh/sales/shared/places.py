"""Where a domain's objects lie."""

import os


def bucket(layer):
    return os.environ[f"{layer.upper()}_BUCKET"]
