"""What is known of the containers of videos, by their suffix."""

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv"})

USUAL_CODECS = {".webm": "libvpx-vp9", ".avi": "mjpeg", ".mpg": "mpeg2video", ".mpeg": "mpeg2video"}
"""Of the others libx264 is."""
EVENLY_TIMED = (".avi", ".mpg", ".mpeg")
"""Their frames follow one another at one rate."""
UNLISTED_SOUND = {".ts": {"aac", "ac3", "mp2", "mp3", "opus"}, ".mpg": {"ac3", "mp2"}, ".mpeg": {"ac3", "mp2"}}
"""Codecs of sound that a container holds and does not list."""
