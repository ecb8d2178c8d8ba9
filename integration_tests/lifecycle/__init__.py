"""The examples under every server: that jobs run, and what a reload, TERM and KILL leave of them."""
