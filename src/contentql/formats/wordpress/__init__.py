"""WordPress's export (WXR)."""
