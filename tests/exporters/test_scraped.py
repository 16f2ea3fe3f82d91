"""GPUs of another exporter: the sample of dcgm-exporter, time-slicing, MIG, AMD's names, a page that does not answer."""

import pytest
from made import DATA

from exporters.gpu import Exporter
from exporters.inference import read_page
from exporters.scraped import FIELDS, ScrapedGpus, readings
from exporters.spool import Spool

SAMPLE = (DATA / "dcgm_metrics.txt").read_text()
GPU = "GPU-00000000-0000-4000-8000-000000000003"


def test_the_sample_of_dcgm_exporter():
    (found,) = readings(read_page(SAMPLE))
    assert (found.gpu, found.name, found.utilization, found.power) == (GPU, "NVIDIA H100 80GB HBM3", 0.97, 412.337)
    assert (found.memory, found.energy, found.processes, found.sm_utilization) == (
        71_230 * 2**20,
        987_654_321.012,
        None,
        None,
    )


def test_a_shared_device_counts_once():
    """Two pods on one time-sliced GPU: a row each, one reading."""
    again = SAMPLE.replace('pod="vllm-0"', 'pod="vllm-1"').replace("} 97", "} 40")
    (found,) = readings(read_page(SAMPLE + again))
    assert found.pods == "llm/vllm-0,llm/vllm-1"
    assert (found.utilization, found.memory, found.power) == (0.97, 71_230 * 2**20, 412.337)


def test_instances_are_told_beside_the_gpu_that_is_paid_for():
    rows = "".join(
        f'DCGM_FI_DEV_FB_USED{{UUID="G",GPU_I_ID="{n}",GPU_I_PROFILE="{n}g.10gb",exported_pod="p{n}",exported_namespace="x",pod="dcgm"}} '
        f'{1000 * n}\nDCGM_FI_DEV_POWER_USAGE{{UUID="G",GPU_I_ID="{n}"}} 300\n'
        for n in (1, 2, 3)
    )
    whole, *instances = readings(read_page(rows))
    assert (whole.memory, whole.power, whole.utilization, whole.slice) == (6000 * 2**20, 300.0, None, "")
    assert [(r.gpu, r.slice, r.memory, r.power, r.share, r.pods) for r in instances] == [
        ("G", f"G/{n}", 1000 * n * 2**20, None, n / 7, f"x/p{n}") for n in (1, 2, 3)
    ]


def test_names_of_amd():
    told = {"gpu_gfx_activity": 25, "gpu_used_vram": 1500, "gpu_package_power": 600, "gpu_energy_consumed": 5e9}
    page = "".join(f'{name}{{serial_number="S1",card_model="MI300X"}} {value}\n' for name, value in told.items())
    (found,) = readings(read_page(page))
    assert (found.gpu, found.utilization, found.memory, found.power, found.energy) == (
        "S1",
        0.25,
        1_500_000_000,
        600.0,
        5000.0,
    )


@pytest.mark.parametrize("name", FIELDS)
def test_a_value_that_is_absent_is_none_and_one_that_is_zero_is_zero(name):
    (found,) = readings(read_page(f'{name}{{UUID="G"}} 0\n'))
    names = {field for field, _ in FIELDS.values()}
    told = {f: getattr(found, f) for f in names}
    assert [f for f, value in told.items() if value is not None] == [FIELDS[name][0]]
    assert told[FIELDS[name][0]] == 0
    assert readings(read_page(f'{name}{{UUID="G"}} NaN\n')) == []


def test_a_page_that_does_not_answer_tells_nothing_and_a_reading_says_for_how_long():
    clock, pages = iter([100.0, 130.0, 160.0]), iter([SAMPLE, None, SAMPLE])

    def fetch(_):
        page = next(pages)
        if page is None:
            raise ConnectionRefusedError
        return page

    gpus = ScrapedGpus("http://a/metrics", 30.0, lambda: next(clock), fetch)
    assert [[one.interval for one in gpus.read()] for _ in range(3)] == [[30.0], [], [60.0]]


def test_it_is_put_into_the_spool_like_the_drivers(tmp_path):
    spool = Spool(tmp_path / "s.db")
    exporter = Exporter(ScrapedGpus("http://a/metrics", 30.0, fetch=lambda _: SAMPLE), spool, pool="lab", node="node-a")
    assert exporter.flush()
    (batch,) = spool.peek()
    assert b"hw.gpu.utilization" in batch.body
    assert b"node-a" in batch.body
    exporter.close()
    spool.close()
