"""The embedded store: the ClickHouse engine in a process of its own, speaking ClickHouse HTTP on loopback."""
