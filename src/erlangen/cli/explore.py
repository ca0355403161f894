"""`erlangen explore`: a page on this machine to turn the dial of a symmetry and to break networks."""

from pathlib import Path


def explore(
    port: int = 0,
    open: bool = False,
    train: float = 0.0,
    export: str | None = None,
    domains: list[str] | None = None,
) -> int:
    """Serve a page on this machine: move a sample, watch features and answers move along, and break the network.

    The page is on 127.0.0.1 only, and nothing leaves the machine. Ctrl-C ends it.

    Args:
        port: of 127.0.0.1; any free one if not given.
        open: whether to open a browser.
        train: seconds to train every network that is looked at; random weights if not given.
        export: write a page that needs no server to this .html file, and end.
        domains: of the page that is written; all if not given.
    """
    if export is not None:
        from erlangen.explore.export import bake

        path, size = bake(Path(export), domains, train)
        print(f"page     {path} ({size / 1e6:.2f} MB)")
        return 0
    import torch

    from erlangen.explore import Explorer
    from erlangen.explore.server import Server

    torch.set_num_threads(min(2, torch.get_num_threads()))
    server = Server(Explorer(train), port)
    print(f"page     {server.address}\n         Ctrl-C ends it", flush=True)
    if open:
        import webbrowser

        webbrowser.open(server.address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("\nended")
    finally:
        server.server_close()
        server.explorer.close()
    return 0
