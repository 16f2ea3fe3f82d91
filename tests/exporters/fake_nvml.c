/* A small libnvidia-ml: GPUs and MIG instances whose answers come from a state file that is read at each call.
   State: lines "KEY VALUE"; a key that is missing answers NOT_SUPPORTED (3). A handle is GPU + 1, of an instance
   100 * (GPU + 1) + INDEX + 1; keys are gpu0.util, and gpu7.1.used for instance 1 of GPU 7. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef void *dev;
typedef struct { long device; long long sm; } sample;
static long long state(const char *key, int *found) {
  char name[64]; long long value; *found = 0;
  FILE *f = fopen(getenv("FAKE_NVML_STATE"), "r");
  if (!f) return 0;
  while (fscanf(f, "%63s %lld", name, &value) == 2) if (!strcmp(name, key)) { *found = 1; fclose(f); return value; }
  fclose(f); return 0;
}
static int ask(dev d, const char *key, long long *out) {
  char name[64]; int found; long h = (long)d, gpu = h < 100 ? h - 1 : h / 100 - 1;
  snprintf(name, sizeof name, "gpu%ld.lost", gpu); state(name, &found); if (found) return 15;
  if (h < 100) snprintf(name, sizeof name, "gpu%ld.%s", gpu, key);
  else snprintf(name, sizeof name, "gpu%ld.%ld.%s", gpu, h % 100 - 1, key);
  *out = state(name, &found);
  return found ? 0 : 3;
}
static int number(dev d, const char *key, unsigned *out) { long long x; int r = ask(d, key, &x); if (!r) *out = (unsigned)x; return r; }
int nvmlInitWithFlags(unsigned f) { int found; state("driver", &found); return found ? 0 : 9; }
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int r) { return r == 9 ? "Driver Not Loaded" : "Not Supported"; }
int nvmlDeviceGetCount_v2(unsigned *n) { int found; *n = (unsigned)state("count", &found); return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, dev *d) { *d = (dev)(long)(i + 1); return 0; }
int nvmlDeviceGetUUID(dev d, char *s, unsigned n) { long long x; if (ask(d, "uuid", &x)) return 15; snprintf(s, n, (long)d < 100 ? "GPU-fake-%lld" : "MIG-fake-%lld", x); return 0; }
int nvmlDeviceGetName(dev d, char *s, unsigned n) { if ((long)d < 100) snprintf(s, n, "Fake H100 %ld", (long)d - 1); else snprintf(s, n, "Fake H100 MIG"); return 0; }
int nvmlDeviceGetUtilizationRates(dev d, unsigned *u) { u[1] = 0; return number(d, "util", u); }
int nvmlDeviceGetPowerUsage(dev d, unsigned *mw) { return number(d, "mw", mw); }
int nvmlDeviceGetTotalEnergyConsumption(dev d, unsigned long long *mj) { long long x; int r = ask(d, "mj", &x); if (!r) *mj = (unsigned long long)x; return r; }
int nvmlDeviceGetMemoryInfo_v2(dev d, void *m) { long long x; int r = ask(d, "used", &x); if (!r) { unsigned long long *p = (unsigned long long *)((char *)m + 8); p[0] = 80ULL << 30; p[1] = 1 << 20; p[2] = 0; p[3] = (unsigned long long)x; } return r; }
int nvmlDeviceGetMemoryInfo(dev d, void *m) { return 3; }
int nvmlDeviceGetComputeRunningProcesses_v3(dev d, unsigned *n, void *infos) { long long x; int r = ask(d, "procs", &x); if (r) return r; if (*n < (unsigned)x) { *n = (unsigned)x; return x ? 7 : 0; } *n = (unsigned)x; return 0; }
int nvmlDeviceGetClockInfo(dev d, int type, unsigned *mhz) { return number(d, "mhz", mhz); }
int nvmlDeviceGetTemperature(dev d, int sensor, unsigned *celsius) { return number(d, "celsius", celsius); }
int nvmlDeviceGetCurrentClocksEventReasons(dev d, unsigned long long *bits) { long long x; int r = ask(d, "reasons", &x); if (!r) *bits = (unsigned long long)x; return r; }
int nvmlDeviceGetMigMode(dev d, unsigned *now, unsigned *pending) { long long x; int r = ask(d, "mig", &x); if (!r) *now = *pending = x > 0; return r; }
int nvmlDeviceGetMaxMigDeviceCount(dev d, unsigned *n) { *n = 7; return 0; }
int nvmlDeviceGetMigDeviceHandleByIndex(dev d, unsigned i, dev *m) { long long x; dev h = (dev)(100 * (long)d + i + 1); if (ask(h, "uuid", &x)) return 6; *m = h; return 0; }
int nvmlDeviceGetGpuInstanceId(dev d, unsigned *id) { *id = (unsigned)((long)d % 100 - 1); return 0; }
int nvmlDeviceGetAttributes_v2(dev d, void *a) { memset(a, 0, 40); return number(d, "slices", (unsigned *)a + 7); }
int nvmlGpmQueryDeviceSupport(dev d, unsigned *s) { long long x; s[1] = ask(d, "sm", &x) == 0; return 0; }
int nvmlGpmSampleAlloc(sample **s) { *s = calloc(1, sizeof **s); return *s ? 0 : 20; }
int nvmlGpmSampleFree(sample *s) { free(s); return 0; }
int nvmlGpmSampleGet(dev d, sample *s) { s->device = (long)d; return ask(d, "sm", &s->sm); }
int nvmlGpmMigSampleGet(dev d, unsigned id, sample *s) { return nvmlGpmSampleGet((dev)(100 * (long)d + id + 1), s); }
typedef struct { unsigned id; int r; double value; const char *about[3]; } metric;
typedef struct { unsigned version, n; sample *a, *b; metric metrics[]; } asked;
int nvmlGpmMetricsGet(asked *m) {
  if (m->version != 1 || !m->a || !m->b || m->a->device != m->b->device) return 2;
  for (unsigned i = 0; i < m->n; i++) { m->metrics[i].r = m->metrics[i].id == 2 ? 0 : 3; m->metrics[i].value = (double)(m->a->sm + m->b->sm) / 2; }
  return 0;
}
