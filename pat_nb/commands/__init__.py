"""The commands of `pat-nb`. They import heavy packages only when they run."""
