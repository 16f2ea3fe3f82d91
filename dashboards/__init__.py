"""SHOW: one definition of each panel, drawn by the page, the command line and Grafana."""
