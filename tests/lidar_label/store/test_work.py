"""Work items go round by leases: nothing is held by who has gone, nothing is done by two."""

import threading

import pytest

from lidar_label.errors import InvalidEdit, NotFound
from lidar_label.store import Store
from lidar_label.store.work import LeaseLost


@pytest.fixture
def project(store, recording) -> int:
    store.work.add(recording, "boss", [(0, 9), (10, 19)])
    store.work.add(recording, "boss", [(20, 39)], priority=5)
    return store.project("project").id


def test_from_annotate_through_review_to_accepted(store, project):
    work = store.work
    lease = work.lease(project, "ann")
    assert (lease.item.first_frame, lease.item.holder) == (20, "ann")
    assert work.submit(lease.item.id, lease.secret).stage == "review"
    assert work.lease(project, "ann", stage="review") is None, "nobody reviews their own work"
    review = work.lease(project, "bob", stage="review")
    back = work.reject(review.item.id, review.secret, "the bus is two boxes")
    assert (back.stage, back.assignee, back.rejections) == ("annotate", "ann", 1)
    assert work.lease(project, "eve").item.id != back.id, "it is kept for its annotator"
    again = work.lease(project, "ann", item_id=back.id)
    work.submit(again.item.id, again.secret)
    review = work.lease(project, "bob", stage="review")
    assert work.accept(review.item.id, review.secret).stage == "accepted"
    assert work.counts(project) == {"annotate": 2, "review": 0, "accepted": 1}
    events = work.events(back.id)
    assert [one.event for one in events] == [
        "added", "leased", "submitted", "leased", "rejected",
        "leased", "submitted", "leased", "accepted",
    ]  # fmt: skip
    assert events[4].reason == "the bus is two boxes"
    reopened = work.reopen(back.id, "boss", "a customer found an error")
    assert reopened.stage == "annotate"


def test_a_lease_that_ran_out_frees_the_work(store, project, clock):
    work = store.work
    first = work.lease(project, "ann", minutes=15)
    clock.move(14 * 60)
    work.renew(first.item.id, first.secret, minutes=15)
    clock.move(14 * 60)
    assert work.lease(project, "bob", item_id=first.item.id) is None
    clock.move(2 * 60)
    second = work.lease(project, "bob", item_id=first.item.id)
    assert second.item.holder == "bob"
    for late in (work.renew, work.submit, work.release):
        with pytest.raises(LeaseLost, match="bob has it now"):
            late(first.item.id, first.secret)
    work.release(second.item.id, second.secret)
    with pytest.raises(LeaseLost, match="given back"):
        work.submit(second.item.id, second.secret)


def test_a_lease_that_ran_out_is_still_good_while_nobody_took_the_item(store, project, clock):
    lease = store.work.lease(project, "ann", minutes=1)
    clock.move(3600)
    assert store.work.submit(lease.item.id, lease.secret).stage == "review"


def test_who_comes_back_after_a_crash_gets_their_item_again(store, project):
    first = store.work.lease(project, "ann")
    second = store.work.lease(project, "ann")
    assert second.item.id == first.item.id
    with pytest.raises(LeaseLost):
        store.work.submit(first.item.id, first.secret)


def test_a_clock_set_back_does_not_hold_work_for_ever(store, project, clock):
    lease = store.work.lease(project, "ann", minutes=15)
    clock.move(-86400)
    assert store.work.lease(project, "bob", item_id=lease.item.id).item.holder == "bob"


def test_many_ask_at_once_and_each_item_goes_to_one(url, new_recording):
    with Store.open(url) as store:
        recording = new_recording(store)
        store.work.add(recording, "boss", [(k, k) for k in range(10)])
        project = store.project("project").id
        leased: list[int] = []

        def ask(name: str) -> None:
            lease = store.work.lease(project, name)
            if lease is not None:
                leased.append(lease.item.id)

        threads = [threading.Thread(target=ask, args=(f"person-{k}",)) for k in range(10)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert sorted(leased) == sorted(set(leased))
        assert len(leased) == 10


def test_what_cannot_be_done_is_said(store, recording, project):
    with pytest.raises(InvalidEdit, match="frames 30 to 40"):
        store.work.add(recording, "boss", [(30, 40)])
    with pytest.raises(NotFound, match="no branch x"):
        store.work.add(recording, "boss", [(0, 1)], branch="x")
    with pytest.raises(InvalidEdit, match="has no work"):
        store.work.lease(project, "ann", stage="accepted")
    with pytest.raises(NotFound, match="no work item 99"):
        store.work.item(99)
    lease = store.work.lease(project, "ann")
    with pytest.raises(InvalidEdit, match="only review is accepted"):
        store.work.accept(lease.item.id, lease.secret)
    with pytest.raises(InvalidEdit, match="needs its reason"):
        store.work.reject(lease.item.id, lease.secret, " ")
    assert store.work.item(lease.item.id).holder == "ann"
    assert len(store.work.items(project, holder="ann")) == 1
    assert store.work.items(project, stage="review") == []
