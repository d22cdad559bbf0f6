"""What the service and the module note, and waiting for it."""

import re
import subprocess
import threading

import pytest
from conftest import SEAL

from pytest_vsara import KINDS, Event, TimedOut
from pytest_vsara.event import moment


def test_events_of_the_service_are_told_by_their_kind(sara):
    sara.wait_until("+USECDEVINFO: 1,0,1")
    assert sara.at(SEAL).ok
    event = sara.wait_for_event("registration")
    assert (event.kind, event.rot, event.count) == ("registration", sara.rot, 1)
    assert event.reason == 'registered with serial number "serial-1"'
    assert [event.kind for event in sara.events()][:2] == ["bootstrap", "registration"]
    assert sara.events("registration") == [event]
    assert sara.events("clone") == []


def test_what_the_module_notes_is_a_kind_of_its_own(sara):
    sara.wait_until("+USECDEVINFO: 1,0,1")
    noted = [event.reason for event in sara.events("module")]
    assert noted[0] == "booted"
    assert "phase 3, provision: request leaves" in noted
    assert all(event.kind != "module" for event in sara.events())


def test_a_kind_that_does_not_exist_is_no_endless_wait(sara):
    for ask in (sara.events, sara.wait_for_event):
        with pytest.raises(ValueError, match="no events of kind 'bootsrap'; there are bootstrap, "):
            ask("bootsrap")


def test_the_kinds_are_those_of_vsara(sara, tmp_path):
    scenario = tmp_path / "kinds.at"
    scenario.write_text("modem dut sara-r510s\nevent nonsense dut\n")
    said = subprocess.run([sara.ctl.command()[0], "test", scenario], capture_output=True, text=True, check=False)
    allowed = re.search("allowed: (.*)", said.stderr).group(1).split(", ")
    assert [*allowed, "module"] == list(KINDS)


@pytest.mark.sara(time="virtual")
def test_a_wait_sees_what_comes_while_it_waits(sara):
    sara.wait_for_event("bootstrap")
    later = threading.Timer(0.2, sara.ctl.time_advance, ["14d"])
    later.start()
    assert sara.wait_for_event("heartbeat", count=2).kind == "heartbeat"
    later.join()


def test_a_wait_in_vain_says_what_was_noted_instead(sara):
    sara.wait_for_event("bootstrap")
    with pytest.raises(TimedOut) as missed:
        sara.wait_for_event("heartbeat", count=3, within=0.1)
    first, second = str(missed.value).splitlines()
    assert first == "no heartbeat event 3 times within 0.1 s; the service has noted"
    assert f"bootstrap {sara.rot}: bootstrapped under key set 1" in second


@pytest.mark.sara(service="none")
def test_a_module_without_a_service_has_its_own_events_only(sara):
    assert sara.service is None
    assert sara.events() == []
    assert sara.wait_for_event("module").reason


@pytest.mark.parametrize("text", ["20Z", "20.4Z", "20.48Z", "20.485Z"])
def test_a_time_is_read_whatever_its_fraction(text):
    milliseconds = {"20Z": 0, "20.4Z": 400, "20.48Z": 480, "20.485Z": 485}[text]
    value = {"time": f"2026-11-25T09:00:{text}", "kind": "clone", "rot": "0a04", "reason": "why", "count": 3}
    event = Event.from_json(value)
    assert event.time == moment("2026-11-25T09:00:20Z").replace(microsecond=milliseconds * 1000)
    assert str(event).endswith(" clone 0a04: why (3 times)")
