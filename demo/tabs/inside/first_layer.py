"""The six filters of a Net's first layer; of a run that trains, as they are at this moment."""

from markupsafe import Markup

from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import PRETRAINED, NetRegistry, OpenNet
from demo.tabs.inside.subject import batches
from demo.widgets.filters import filter_strip
from demo.widgets.templates import render


def first_layer_html(nets: NetRegistry, ref: NetRef, opened: OpenNet | None = None) -> Markup:
    """Return the filters of the Net `ref`; `opened` is that Net, None opens it only if it is needed.

    Those of a run that trains ask the server for newer ones about once a second. Raise CifarError if there is no such
    Net.
    """
    from cifar_core.inspect.filters import first_filters

    run = None if ref.run == PRETRAINED else nets.service.find(ref.run)
    live = run is not None and run.active and ref.step is None
    latest = nets.service.filters(ref.run) if live else None
    if latest is not None:
        weights, step = latest.weights, latest.step
    else:
        opened = opened or nets.open(ref)
        weights, step = first_filters(opened.net), opened.step or 0
    return render(
        "tabs/inside/first_layer.html.j2",
        strip=filter_strip(weights),
        after=None if run is None else batches(step),
        live=live,
    )
