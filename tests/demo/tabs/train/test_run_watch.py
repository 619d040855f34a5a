"""Following a run: every page shows the same, whoever looks and since when."""

from dataclasses import replace

import pytest

from cifar_core.data import Splits
from cifar_core.runs.service import Service
from cifar_core.training.events import Changed
from demo.tabs.train import curve
from demo.tabs.train.run_watch import RunWatch, View
from demo.widgets.chart import chart_head
from tests.helpers.markup import text_of
from tests.helpers.run_steps import ANN, BOB, CONFIG, end, go_to
from tests.helpers.run_views import drawn, same, shown
from tests.helpers.runs import write_rows


def test_before_the_first_run_the_page_says_what_to_do(service: Service) -> None:
    view = shown(service)
    assert view == View(status=view.status)
    assert view.state.commands == ("start",) and view.state.run == ""
    assert "No training yet" in view.status


def test_the_newest_run_of_ones_own_is_followed(service: Service, tiny: Splits) -> None:
    for owner in (ANN, ANN, BOB):
        service.start(owner, CONFIG, tiny)
    newest = service.runs_of(ANN)[0]
    view = shown(service)
    assert view.run == newest
    assert view.own and "stop" in view.state.commands


def test_anyone_may_watch_a_run_by_its_address_and_nobody_else_command_it(service: Service, tiny: Splits) -> None:
    own, foreign = service.start(ANN, CONFIG, tiny), service.start(BOB, CONFIG, tiny)
    go_to(service, foreign, 30)
    watched, commanded = shown(service, ANN, foreign.id), shown(service, BOB, foreign.id)
    assert watched.run is not None and watched.run.id == foreign.id
    assert not watched.own and watched.state.commands == ("start",)
    assert commanded.own and commanded.state.commands == ("start", "stop", "pause", "change")
    assert (watched.chart, watched.log) == (commanded.chart, commanded.log)
    assert BOB not in repr(watched)
    assert "stop" in shown(service, ANN, own.id).state.commands
    end(service, foreign, tiny)
    assert shown(service, ANN, foreign.id).state.commands == ("start", "download")
    assert shown(service, BOB, foreign.id).state.commands == ("start", "train_on", "download")


def test_a_newly_started_run_takes_the_page_over(service: Service, tiny: Splits) -> None:
    foreign = service.start(BOB, CONFIG, tiny)
    go_to(service, foreign, 60)
    end(service, foreign, tiny)
    watch = RunWatch(service, ANN, foreign.id)
    assert watch.look().result
    for step in (70, 10):  # whether it is further than the one before or not
        run = service.start(ANN, replace(CONFIG, epochs=4), tiny)
        go_to(service, run, step)
        view = watch.look()
        assert view == shown(service, ANN)
        assert view.run is not None and view.run.id == run.id
        assert view.own and view.result == "" and len(drawn(view.chart)[1]) == step
    service.start(BOB, CONFIG, tiny)  # somebody else's does not
    assert watch.look() == view


def test_an_unknown_run_is_told_in_a_sentence(service: Service, tiny: Splits) -> None:
    watch = RunWatch(service, ANN, "<b>no such run</b>")
    view = watch.look()
    assert text_of(view.status) == "There is no such run; check its id, or it may have been removed."
    assert (view.run, view.state.commands) == (None, ("start",))
    run = service.start(ANN, CONFIG, tiny)
    assert watch.look().run == run


def test_the_chart_only_grows_while_a_run_goes_on(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    charts = [watch.look().chart]
    assert charts == [chart_head(run)] == ["2,400;"]
    for step in (1, 2, 2, 50, 51, 200):
        go_to(service, run, step)
        if step == 50:
            write_rows(service.store, run.id, changes=[Changed(50, 200, "lr", 0.01, 200)])
        charts.append(watch.look().chart)
    end(service, run, tiny)
    charts += [watch.look().chart, watch.look().chart]
    for before, after in zip(charts, charts[1:], strict=False):
        assert after.startswith(before)
    head, points, probes, marks = drawn(charts[-1])
    rows = [row.split(",") for row in points]
    assert head == "2,400"
    assert [(int(step), int(images)) for step, images, *_ in rows] == [(step, 4 * step) for step in range(1, 201)]
    assert [float(loss) for _, _, loss, _ in rows] == pytest.approx(
        [2.3 - step / 123 for step in range(1, 201)], abs=1e-3
    )
    assert probes == [f"a,{4 * step},{step // 4 / 60:.4g}" for step in range(25, 201, 25)]
    assert marks == ["c,200,learning rate 0.01"]


def test_the_curve_of_a_long_run_is_thinned_and_the_same_on_every_page(
    service: Service, tiny: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curve, "MOST", 40)
    run = service.start(ANN, CONFIG, tiny)
    write_rows(service.store, run.id, changes=[Changed(30, 120, "lr", 0.01, 200)])
    watch = RunWatch(service, ANN)
    for step, kept in ((40, 40), (41, 21), (79, 40), (80, 40), (81, 21), (200, 25)):
        go_to(service, run, step)
        view = watch.look()
        assert same(view, shown(service))
        _, points, validations, marks = drawn(view.chart)
        assert len(points) == kept <= curve.MOST
        assert (len(validations), len(marks)) == (step // 25, 1)
    assert [int(point.split(",")[0]) for point in points] == list(range(1, 201, 8))


def test_a_view_stays_equal_while_nothing_happens(service: Service, tiny: Splits) -> None:
    watch = RunWatch(service, ANN)
    assert watch.look() == watch.look()
    run = service.start(ANN, CONFIG, tiny)
    first = watch.look()
    assert watch.look() == first
    go_to(service, run, 30)
    second = watch.look()
    assert watch.look() == second != first
    end(service, run, tiny)
    third = watch.look()
    assert watch.look() == third != second


def test_who_comes_in_the_middle_sees_what_the_others_see(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    from_the_start = RunWatch(service, ANN)
    watches = [from_the_start]

    def all_see_the_same() -> View:
        watches.append(RunWatch(service, ANN, run.id))  # a refreshed page
        view = from_the_start.look()
        assert all(same(watch.look(), view) for watch in watches)
        return view

    for changed, step in enumerate((0, 1, 30, 100, 101, 200), 1):
        go_to(service, run, step)
        view = all_see_the_same()
        write_rows(service.store, run.id, changes=[Changed(step, 4 * step, "momentum", 0.9 - step / 400, 200)])
        assert len(drawn(all_see_the_same().chart)[3]) == changed
    assert view.log.splitlines()[::7] == ["[1,    25] loss: 2.097", "[2,   100] loss: 0.674"]
    end(service, run, tiny)
    view = all_see_the_same()
    assert view.result and view.log.count("Finished Training") == 1


def test_steps_that_are_done_again_are_shown_once(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 90)
    watch.look()
    service.store.forget_after(run.id, 40)  # the worker was killed, its successor takes the run up
    assert watch.look().run is not None
    write_rows(service.store, run.id, step=40)
    go_to(service, run, 60)
    view = watch.look()
    assert same(view, shown(service))
    assert view.log.count("\n") == 2
    assert len(drawn(view.chart)[2]) == 2
    go_to(service, run, 200)
    assert same(watch.look(), shown(service))


def test_probes_and_marks_are_shown_once_even_if_the_steps_are_done_again_between_two_looks(
    service: Service, tiny: Splits
) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 90)
    change = Changed(60, 240, "lr", 0.01, 200)
    write_rows(service.store, run.id, changes=[change])
    watch.look()
    service.store.forget_after(run.id, 40)
    watch.look()
    write_rows(service.store, run.id, step=40, changes=[change])
    go_to(service, run, 120)
    view = watch.look()
    assert drawn(view.chart)[2] == drawn(shown(service).chart)[2]
    assert len(drawn(view.chart)[3]) == 1


def test_several_changes_at_one_step_are_all_marked_in_whatever_order_they_are_told(
    service: Service, tiny: Splits
) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 50)
    for name, value in (("lr", 0.01), ("batch_size", 16.0), ("momentum", 0.5)):  # the store gives them by name
        write_rows(service.store, run.id, changes=[Changed(50, 200, name, value, 88)])
        view = watch.look()
    assert sorted(drawn(view.chart)[3]) == ["c,200,batch 16", "c,200,learning rate 0.01", "c,200,momentum 0.5"]
    assert watch.look() is view


def test_a_run_that_trains_on_is_told_anew_and_its_result_waits_for_the_end(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 200)
    end(service, run, tiny)
    ended = watch.look()
    service.train_on(ANN, run.id, 2)
    view = watch.look()
    assert same(view, shown(service))
    assert (view.result, view.weights, view.state.commands) == ("", False, ("start", "stop"))
    assert view.log == ended.log[: ended.log.index("Finished")]
    head, points, probes, marks = drawn(view.chart)
    assert (head, marks) == ("4,400", ["c,800,epochs 4"])
    without_mean = [row.rsplit(",", 1)[0] for row in points]  # a longer run is smoothed over more images
    assert without_mean == [row.rsplit(",", 1)[0] for row in drawn(ended.chart)[1]]
    assert probes == drawn(ended.chart)[2]
    assert "step 200 of 400" in view.status
    go_to(service, run, 400)
    assert same(watch.look(), shown(service))
    end(service, run, tiny)
    view = watch.look()
    assert same(view, shown(service))
    assert view.log.count("Finished Training") == 1 and view.log.startswith(ended.log.splitlines()[0])
    assert view.result and view.weights
    assert view.state.commands == ("start", "train_on", "download")


def test_a_stopped_run_that_trains_on_to_its_first_goal_is_told_anew_too(service: Service, tiny: Splits) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 50)
    end(service, run, tiny, "stopped")
    watch.look()
    service.train_on(ANN, run.id, 2)
    assert service.find(run.id).config == run.config
    view = watch.look()
    assert same(view, shown(service))
    assert "Stopped" not in view.log


def test_a_page_that_missed_the_end_between_two_looks_has_the_longer_axis_all_the_same(
    service: Service, tiny: Splits
) -> None:
    run = service.start(ANN, CONFIG, tiny)
    watch = RunWatch(service, ANN)
    go_to(service, run, 200)
    watch.look()
    end(service, run, tiny)
    service.train_on(ANN, run.id, 3)
    go_to(service, run, 201)
    view = watch.look()
    assert drawn(view.chart)[0] == "5,400"
    assert same(view, shown(service))


def test_a_run_that_trained_on_and_failed_does_not_boast_with_its_earlier_result(
    service: Service, tiny: Splits
) -> None:
    run = service.start(ANN, CONFIG, tiny)
    go_to(service, run, 200)
    end(service, run, tiny)
    service.train_on(ANN, run.id, 2)
    go_to(service, run, 230)
    write_rows(service.store, run.id, state="diverged", message="Too large.", ended=1.0)
    view = shown(service)
    assert view.result == ""
    assert view.log.endswith("\nToo large.\n") and "Accuracy" not in view.log
