"""A headless content API for newsrooms, on one GraphQL schema."""

from importlib.metadata import version

__version__ = version("contentql")
