"""Speed and growth, measured on generated content next to hand-written SQL."""
