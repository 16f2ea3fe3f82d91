"""Model servers: each one's page becomes the right differences, over restarts, gaps, NaN, broken lines, ranks and routers."""

import pytest
from made import DATA

from exporters.engines import ENGINES, detect, engine
from exporters.inference import Exporter, Server, read_page
from exporters.spool import Spool

PAGES = {
    "vllm": (
        'vllm:prompt_tokens_total{{engine="0",model_name="m"}} {p}\nvllm:prompt_tokens_cached_total{{engine="0",model_name="m"}} {c}\n'
        'vllm:generation_tokens_total{{engine="0",model_name="m"}} {o}\nvllm:request_success_total{{finished_reason="stop",model_name="m"}} {n}\n'
        'vllm:request_success_total{{finished_reason="abort",model_name="m"}} {f}\nvllm:num_requests_running{{model_name="m"}} 3\n'
        'vllm:input_tokens_total{{server="x",model="m"}} 999999\n'
    ),
    "sglang": (
        "".join(
            f'sglang:prompt_tokens_total{{{{model_name="m",tp_rank="{rank}"}}}} {{p}}\nsglang:cached_tokens_total{{{{model_name="m",tp_rank="{rank}"}}}} {{c}}\n'
            f'sglang:generation_tokens_total{{{{model_name="m",tp_rank="{rank}"}}}} {{o}}\nsglang:num_running_reqs{{{{model_name="m",tp_rank="{rank}"}}}} 3\n'
            for rank in (0, 1)
        )
        + 'sglang:num_requests_total{{model_name="m"}} {all}\nsglang:num_aborted_requests_total{{model_name="m"}} {f}\n'
    ),
    "tgi": (
        "tgi_request_input_length_sum {p}\ntgi_request_generated_tokens_sum {o}\ntgi_request_success {n}\n"
        'tgi_request_failure{{err="overloaded"}} {f}\ntgi_batch_current_size 3\n'
    ),
    "trtllm": (
        'trtllm_prompt_tokens_total{{model_name="m"}} {p}\ntrtllm_prompt_cached_tokens_total{{model_name="m"}} {c}\n'
        'trtllm_generation_tokens_total{{model_name="m"}} {o}\ntrtllm_request_success_total{{model_name="m",finished_reason="stop"}} {n}\n'
        'trtllm_request_success_total{{model_name="m",finished_reason="error"}} {f}\ntrtllm_num_requests_running{{model_name="m"}} 3\n'
    ),
    "triton": 'nv_inference_request_success{{model="m",version="1"}} {n}\nnv_inference_request_failure{{model="m",version="1"}} {f}\n',
    "dynamo": (
        'dynamo_frontend_input_sequence_tokens_sum{{model="m"}} {p}\ndynamo_frontend_output_tokens_total{{model="m"}} {o}\n'
        'dynamo_frontend_requests_total{{model="m",status="success"}} {n}\ndynamo_frontend_requests_total{{model="m",status="error"}} {f}\n'
        'dynamo_frontend_inflight_requests{{model="m"}} 3\n'
    ),
    "llamacpp": (
        "llamacpp:prompt_tokens_total {u}\nllamacpp:prompt_tokens_cached_total {c}\nllamacpp:tokens_predicted_total {o}\n"
        "llamacpp:requests_processing 3\nllamacpp:n_busy_slots_per_decode nan\n"
    ),
    "nim": (
        'prompt_tokens_total{{model_name="m"}} {p}\ngeneration_tokens_total{{model_name="m"}} {o}\nrequest_success_total{{model_name="m"}} {n}\n'
        'request_failure_total{{model_name="m"}} {f}\nnum_requests_running{{model_name="m"}} 3\n'
    ),
}
"""A page of every server: prompt p of which cached c (uncached u), output o, n successes and f failures."""


def page(name, step, **more):
    given = {"p": 1000 * step, "c": 400 * step, "o": 50 * step, "n": 10 * step, "f": 2 * step, **more}
    given |= {"u": given["p"] - given["c"], "all": given["n"] + given["f"]}
    return PAGES[name].format(**given)


def server(name, **more):
    """A server whose page is what was last put into `shows`."""
    shows = {}
    made = Server(f"http://{name}:8000/metrics", model="m", fetch=lambda _: shows["page"], **more)
    return made, shows


def look(made, shows, text, at):
    shows["page"] = text
    return made.look(at, 15.0)


TOLD = {name: {"input", "cached", "output"} for name in PAGES} | {"triton": set()}
CACHED = {name for name in PAGES if "{c}" in PAGES[name]}


@pytest.mark.parametrize("name", ENGINES)
def test_a_page_becomes_differences(name):
    """From step 3 to step 5: 2,000 prompt tokens of which 800 cached, 100 out, 20 good and 4 bad requests."""
    made, shows = server(name)
    assert detect({n for n, _ in read_page(page(name, 1))}).name == name
    assert look(made, shows, page(name, 3), 100.0) == []
    (found,) = look(made, shows, page(name, 5), 115.0)
    cached = 800.0 if name in CACHED else None
    assert (found.model, found.start, found.end, found.reset, found.coarse) == ("m", 100.0, 115.0, False, False)
    if name != "triton":
        assert found.counts["input"] == 2000.0 - (cached or 0.0)
        assert found.counts.get("cached") == cached
        assert (found.counts["output"], found.running) == (100.0, 3.0)
    if name != "llamacpp":  # it counts no requests
        assert (found.counts["ok"], found.counts.get("aborted", found.counts.get("failed"))) == (20.0, 4.0)


@pytest.mark.parametrize("name", ENGINES)
def test_a_restart_counts_from_nothing_and_says_so(name):
    made, shows = server(name)
    look(made, shows, page(name, 9), 100.0)
    (found,) = look(made, shows, page(name, 2), 115.0)
    assert found.reset
    key = "ok" if name == "triton" else "output"
    assert found.counts[key] == {"ok": 20.0, "output": 100.0}[key]


def test_a_restart_is_seen_by_the_process_even_if_counters_passed_the_old_ones():
    made, shows = server("vllm")
    look(made, shows, page("vllm", 2) + "process_start_time_seconds 1000\n", 100.0)
    (found,) = look(made, shows, page("vllm", 3) + "process_start_time_seconds 2000\n", 115.0)
    assert (found.counts["output"], found.reset) == (150.0, True)


def test_a_restart_is_seen_by_the_creation_of_a_counter():
    made, shows = server("vllm")
    created = 'vllm:generation_tokens_created{{engine="0",model_name="m"}} {}\n'
    look(made, shows, page("vllm", 2) + created.format(10), 100.0)
    (found,) = look(made, shows, page("vllm", 3) + created.format(20), 115.0)
    assert (found.counts["output"], found.counts["input"], found.reset) == (150.0, 600.0, True)


def test_a_missed_look_loses_nothing_and_is_marked():
    made, shows = server("vllm")
    look(made, shows, page("vllm", 1), 100.0)
    (found,) = look(made, shows, page("vllm", 7), 400.0)
    assert (found.counts["output"], found.coarse, found.end - found.start) == (300.0, True, 300.0)


def test_a_server_that_does_not_answer_is_down_and_its_counters_go_on():
    made, shows = server("vllm")
    look(made, shows, page("vllm", 1), 100.0)
    made.fetch, fetch = (lambda _: (_ for _ in ()).throw(ConnectionRefusedError())), made.fetch
    (down,) = made.look(115.0, 15.0)
    assert (down.up, down.counts) == (False, {})
    made.fetch = fetch
    (found,) = look(made, shows, page("vllm", 3), 130.0)
    assert found.counts["output"] == 100.0


def test_nan_and_a_broken_line_hide_nothing_else():
    made, shows = server("vllm")
    broken = 'vllm:generation_tokens_total{{{{ oops\nvllm:kv_cache_usage_perc{model_name="m"} NaN\n'
    look(made, shows, broken + page("vllm", 1), 100.0)
    (found,) = look(made, shows, broken + page("vllm", 2), 115.0)
    assert (found.counts["output"], found.kv_used) == (50.0, None)


def test_two_data_parallel_engines_are_added_and_two_models_kept_apart():
    def two(a, b, other):
        return (f'vllm:generation_tokens_total{{engine="0",model_name="m"}} {a}\nvllm:generation_tokens_total{{engine="1",model_name="m"}} {b}\n'
                f'vllm:generation_tokens_total{{engine="0",model_name="other"}} {other}\n')  # fmt: skip

    made, shows = server("vllm")
    look(made, shows, two(10, 20, 5), 100.0)
    found = {one.model: one.counts["output"] for one in look(made, shows, two(11, 22, 9), 115.0)}
    assert found == {"m": 3.0, "other": 4.0}


def test_a_router_alone_is_no_server():
    assert detect({"vllm:input_tokens_total", "vllm:num_incoming_requests_total"}) is None


def test_the_sample_of_vllm():
    page_ = read_page((DATA / "vllm_metrics.txt").read_text())
    made = Server("http://a/metrics")
    assert made.counted(page_, 100.0, 15.0) == []
    (found,) = made.counted({k: v + 10 if k[0].endswith("_total") else v for k, v in page_.items()}, 115.0, 15.0)
    assert (found.model, found.counts["output"], found.counts["cached"], found.counts["input"]) == (
        "org/model-8b",
        10.0,
        10.0,
        0.0,
    )
    assert (found.counts["ok"], found.counts["aborted"], found.running, found.waiting) == (20.0, 10.0, 3.0, 0.0)
    assert found.kv_used == 0.1375


def test_after_a_restart_of_the_exporter_what_was_used_meanwhile_is_there(tmp_path):
    """The counters of the last look are kept with the batch: a new exporter goes on from them."""
    shows, clock = {"page": page("vllm", 1)}, iter([100.0, 115.0, 900.0])
    for text, expected in (((1, 3), [[], [100.0]]), ((20,), [[850.0]])):
        spool = Spool(tmp_path / "s.db")
        exporter = Exporter(
            [Server("http://a/metrics", fetch=lambda _: shows["page"])], spool, clock=lambda: next(clock)
        )
        for step, counts in zip(text, expected, strict=True):
            shows["page"] = page("vllm", step)
            assert [one.counts["output"] for one in exporter.once()] == counts
        spool.close()


@pytest.mark.parametrize("name", ENGINES)
def test_every_server_has_a_page_here(name):
    assert name in PAGES
    assert engine(name).name == name


@pytest.mark.parametrize(
    ("prompt", "computed", "hits"),
    [
        (118, 70, 48),
        (232, 88, 144),
        (472, 136, 336),
        (624, 320, 304),
        (1236, 324, 912),
        (2488, 360, 2128),
        (11_263, 3423, 7840),
    ],
    ids=[*(f"GV30-{n}" for n in range(6)), "GV31"],
)
def test_gv30_gv31_the_prompt_counter_is_not_the_work(prompt, computed, hits):
    """Prefill work is what was computed; with the hits it is the prompt counter."""
    made, shows = server("vllm")
    look(made, shows, page("vllm", 0), 100.0)
    (found,) = look(made, shows, page("vllm", 0, p=prompt, c=hits), 115.0)
    assert (found.counts["input"], found.counts["cached"]) == (computed, hits)


def test_a_federation_page_of_prometheus_adds_its_instances_up():
    """Two servers on one page, with instance labels and times behind the values: their growth is one sum."""
    made, shows = server("federate")

    def federated(step):
        return "".join(
            line.replace("}", f',instance="10.0.0.{n}:8000",job="vllm"}}') + f" {1_795_305_600_000 + step}\n"
            for n in (1, 2)
            for line in page("vllm", step * n).splitlines()
        )

    look(made, shows, federated(1), 0.0)
    (one,) = look(made, shows, federated(3), 15.0)
    assert (one.counts["input"], one.counts["cached"], one.counts["output"]) == (3600, 2400, 300)
    assert (one.running, one.reset) == (6, False)
