"""Feeds and sitemaps: RSS, Atom, JSON Feed."""
