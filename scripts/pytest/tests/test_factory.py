"""More modules than one."""

import pytest
from conftest import SEAL

from pytest_vsara import VsaraError


def test_of_a_module_and_its_clone_the_first_that_communicates_wins(sara, sara_factory):
    sara.wait_until("+USECDEVINFO: 1,0,1")
    copy = sara_factory("copy", clone_of=sara)
    assert (copy.rot, copy.imei, copy.profile) == (sara.rot, sara.imei, sara.profile)
    assert (copy.service, copy.port != sara.port) == (sara.service, True)
    assert sara.at("AT+USECCONN").ok
    assert not copy.at("AT+USECCONN").ok
    assert "contact chain broken" in copy.wait_for_event("clone").reason
    assert sara.at("AT+USECDEVINFO?").lines == ["+USECDEVINFO: 1,0,1"]


@pytest.mark.sara(profile="sara-r410m-83b", rot="0a04f008003c9623")
def test_a_clone_is_a_copy_whatever_the_marker_says(sara, sara_factory):
    copy = sara_factory(clone_of=sara)
    assert (copy.rot, copy.profile) == ("0a04f008003c9623", "sara-r410m-83b")
    for wrong in ({"profile": "sara-r510s"}, {"rot": "0a04f008003c9624"}):
        with pytest.raises(TypeError, match="of its original"):
            sara_factory(clone_of=sara, **wrong)


@pytest.mark.sara(service="none")
def test_a_clone_has_no_service_where_its_original_has_none(sara, sara_factory):
    assert sara_factory(clone_of=sara).service is None


def test_many_modules_share_the_service_of_one(sara, sara_factory):
    others = [sara_factory(service=sara) for _ in range(3)]
    for modem in others:
        modem.wait_until("+USECDEVINFO: 1,0,1")
        assert modem.at(SEAL.replace("serial-1", modem.name)).ok
    sara.wait_for_event("registration", count=3)
    assert {event.rot for event in sara.events("registration")} == {modem.rot for modem in others}
    assert others[0].events() == sara.events(), "what is noted of one service is the same for all of it"
    assert others[0].events("module") != sara.events("module")


def test_the_events_of_a_service_elsewhere_are_not_to_be_had_here(sara, sara_factory):
    other = sara_factory(service=sara.service)
    other.wait_until("+USECDEVINFO: 1,0,1")
    for ask in (other.events, other.wait_for_event):
        with pytest.raises(VsaraError, match=f"sara2: the service at {sara.service} is another program"):
            ask("bootstrap")
    assert other.events("module")


def test_each_module_has_a_name_a_state_and_a_profile_of_its_own(sara, sara_factory):
    second = sara_factory(profile="sara-r422m8s")
    third = sara_factory("gateway", profile="sara-r412m-03b")
    assert [modem.name for modem in sara_factory.modems] == ["sara", "sara2", "gateway"]
    assert len({modem.state for modem in (sara, second, third)}) == 3
    assert third.profile == "sara-r412m-03b"
    assert repr(third) == f"<Modem gateway: sara-r412m-03b {third.rot} on {third.port}>"
    for wrong in ("gateway", "../gateway"):
        with pytest.raises(ValueError, match="of one module only"):
            sara_factory(wrong)
