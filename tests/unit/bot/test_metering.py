"""What /metrics shows: what was counted, and what others count, as it is at that moment."""

from bot.telegram.metering import Meter
from tests.factories import make_answer


def test_answers_are_counted_by_mode_and_times_by_stage() -> None:
    meter = Meter()
    meter.answered(make_answer())
    meter.took("send", 0.2)
    text = meter.text().decode()
    assert 'wanggui_answers_total{mode="extractive"} 1.0' in text
    assert 'wanggui_stage_seconds_count{stage="send"} 1.0' in text


def test_what_others_count_is_shown_as_it_is_now() -> None:
    meter, counts = Meter(), {"calls": 1}
    meter.watch("model_hit_rate", "Share", lambda: counts["calls"] / 4)
    meter.watch_each("model_events", "Events", lambda: counts)
    assert 'wanggui_model_events_total{event="calls"} 1.0' in meter.text().decode()
    counts["calls"], counts["dropped.number"] = 2, 5
    text = meter.text().decode()
    assert 'wanggui_model_events_total{event="calls"} 2.0' in text
    assert 'wanggui_model_events_total{event="dropped.number"} 5.0' in text
    assert "wanggui_model_hit_rate 0.5" in text
