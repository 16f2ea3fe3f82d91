/* A small libnvidia-ml: two GPUs whose answers come from a state file that is read at each call.
   State: lines "KEY VALUE"; a key that is missing answers NOT_SUPPORTED (3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef void *dev;
static long long state(const char *key, int *found) {
  char name[64]; long long value; *found = 0;
  FILE *f = fopen(getenv("FAKE_NVML_STATE"), "r");
  if (!f) return 0;
  while (fscanf(f, "%63s %lld", name, &value) == 2) if (!strcmp(name, key)) { *found = 1; fclose(f); return value; }
  fclose(f); return 0;
}
static int ask(dev d, const char *key, long long *out) {
  char name[64]; int found;
  snprintf(name, sizeof name, "gpu%ld.lost", (long)d - 1); state(name, &found); if (found) return 15;
  snprintf(name, sizeof name, "gpu%ld.%s", (long)d - 1, key); *out = state(name, &found);
  return found ? 0 : 3;
}
int nvmlInitWithFlags(unsigned f) { int found; state("driver", &found); return found ? 0 : 9; }
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int r) { return r == 9 ? "Driver Not Loaded" : "Not Supported"; }
int nvmlDeviceGetCount_v2(unsigned *n) { int found; *n = (unsigned)state("count", &found); return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, dev *d) { *d = (dev)(long)(i + 1); return 0; }
int nvmlDeviceGetUUID(dev d, char *s, unsigned n) { long long x; if (ask(d, "uuid", &x)) return 15; snprintf(s, n, "GPU-fake-%lld", x); return 0; }
int nvmlDeviceGetName(dev d, char *s, unsigned n) { snprintf(s, n, "Fake H100 %ld", (long)d - 1); return 0; }
int nvmlDeviceGetUtilizationRates(dev d, unsigned *u) { long long x; int r = ask(d, "util", &x); if (!r) { u[0] = (unsigned)x; u[1] = 0; } return r; }
int nvmlDeviceGetPowerUsage(dev d, unsigned *mw) { long long x; int r = ask(d, "mw", &x); if (!r) *mw = (unsigned)x; return r; }
int nvmlDeviceGetTotalEnergyConsumption(dev d, unsigned long long *mj) { long long x; int r = ask(d, "mj", &x); if (!r) *mj = (unsigned long long)x; return r; }
int nvmlDeviceGetMemoryInfo_v2(dev d, void *m) { long long x; int r = ask(d, "used", &x); if (!r) { unsigned long long *p = (unsigned long long *)((char *)m + 8); p[0] = 80ULL << 30; p[1] = 1 << 20; p[2] = 0; p[3] = (unsigned long long)x; } return r; }
int nvmlDeviceGetMemoryInfo(dev d, void *m) { return 3; }
int nvmlDeviceGetComputeRunningProcesses_v3(dev d, unsigned *n, void *infos) { long long x; int r = ask(d, "procs", &x); if (r) return r; if (*n < (unsigned)x) { *n = (unsigned)x; return x ? 7 : 0; } *n = (unsigned)x; return 0; }
