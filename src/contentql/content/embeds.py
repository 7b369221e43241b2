"""Sites whose content is embedded by its URL alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# By provider, the host and path of the URLs of single pieces of content.
_PATTERNS: Final[Mapping[str, str]] = {
    "YouTube": r"(?:www\.|m\.)?youtube\.com/(?:watch\?|shorts/|live/|embed/|playlist\?)|youtu\.be/\w"
    r"|www\.youtube-nocookie\.com/embed/",
    "Vimeo": r"(?:www\.)?vimeo\.com/(?:\w+/)*\d+|player\.vimeo\.com/video/\d+",
    "X": r"(?:www\.|mobile\.)?(?:twitter|x)\.com/\w+/status(?:es)?/\d+",
    "Instagram": r"(?:www\.)?instagram\.com/(?:[\w.]+/)?(?:p|reel|tv)/[\w-]+",
    "TikTok": r"(?:www\.)?tiktok\.com/(?:@[\w.-]+/video/|embed/(?:v2/)?)\d+|vm\.tiktok\.com/\w+",
    "Facebook": r"(?:www\.|m\.)?facebook\.com/(?:[\w.]+/(?:posts|videos)/|watch/?\?|reel/"
    r"|plugins/\w+\.php\?)",
    "Threads": r"(?:www\.)?threads\.(?:net|com)/@[\w.]+/post/\w+",
    "Bluesky": r"bsky\.app/profile/[\w.:-]+/post/\w+",
    "Telegram": r"t\.me/\w+/\d+",
    "Reddit": r"(?:www\.|old\.)?reddit\.com/r/\w+/comments/\w+",
    "Spotify": r"open\.spotify\.com/(?:embed/)?(?:intl-\w+/)?"
    r"(?:track|album|playlist|episode|show|artist)/\w+",
    "SoundCloud": r"(?:www\.|on\.)?soundcloud\.com/[\w-]+/[\w-]+|w\.soundcloud\.com/player/",
    "Apple Podcasts": r"(?:embed\.)?podcasts\.apple\.com/\w+/podcast/",
    "Dailymotion": r"(?:www\.)?dailymotion\.com/(?:embed/)?video/\w+|dai\.ly/\w+",
    "Twitch": r"(?:www\.)?twitch\.tv/videos/\d+|clips\.twitch\.tv/\w+",
    "TED": r"(?:www|embed)\.ted\.com/talks/\w+",
    "Datawrapper": r"datawrapper\.dwcdn\.net/\w+",
    "Flourish": r"(?:public|flo)\.(?:flourish\.studio|uri\.sh)/(?:visualisation|story)/\d+",
    "Google Maps": r"(?:www\.)?google\.[\w.]+/maps/(?:embed|d/)",
}
_URL: Final = re.compile(
    "https?://(?:"
    + "|".join(f"(?P<p{n}>{pattern})" for n, pattern in enumerate(_PATTERNS.values()))
    + r")[^\s<>]*",
    re.ASCII | re.IGNORECASE,
)
_PROVIDERS: Final = tuple(_PATTERNS)


def embed_provider(url: str) -> str | None:
    """The site that a URL of embeddable content belongs to, None for other texts."""
    match = _URL.fullmatch(url) if len(url) <= 2_000 else None
    return _PROVIDERS[int(match.lastgroup[1:])] if match and match.lastgroup else None
