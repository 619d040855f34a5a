"""How the page's events are wired, read from what the browser is told of them."""

from collections import Counter

from tests.counts import component, page_config


def test_no_two_listeners_of_an_event_wait_for_their_own_last_turn() -> None:
    """With `always_last`, Gradio's page keeps an event that comes while its listener works, and then tells it to *all*
    listeners of that event again. Two such listeners wake each other for ever."""
    waiting = Counter(
        (component, event)
        for listener in page_config()["dependencies"]
        if listener["trigger_mode"] == "always_last" and listener["backend_fn"]
        for component, event in listener["targets"]
        if event != "then"
    )
    assert waiting, "some listeners do wait"
    assert [target for target, count in waiting.items() if count > 1] == []


def test_no_listener_has_gradio_write_a_status_into_its_outputs() -> None:
    """Gradio's page would write it at each turn of any event, into every component that was ever an output."""
    config = page_config()
    listeners, upload = config["dependencies"], component(config, elem_id="upload")
    named = [part for listener in listeners for part in listener["show_progress_on"]]
    assert named == [upload], "without a status there, it could not tell why an image was refused"
    assert all(listener["show_progress"] == "hidden" for listener in listeners if listener["backend_fn"])
