"""`python -m contentql` is the command `contentql`."""

from contentql.cli import app

app()
