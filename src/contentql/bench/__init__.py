"""Speed and growth, measured on a made newsroom next to the fastest answer a person could write by hand."""
