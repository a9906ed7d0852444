import os,time,sys,statistics
N=3000
def bench(d):
    r={}
    b=b'x'*1000
    t=time.perf_counter()
    for i in range(N):
        f=os.open(f"{d}/f{i}",os.O_CREAT|os.O_WRONLY); os.write(f,b); os.close(f)
    r['create+write1k']=(time.perf_counter()-t)/N*1e6
    t=time.perf_counter()
    for i in range(N):
        f=os.open(f"{d}/f{i}",os.O_RDONLY); os.close(f)
    r['open+close']=(time.perf_counter()-t)/N*1e6
    t=time.perf_counter()
    for i in range(N):
        f=os.open(f"{d}/f{i}",os.O_RDONLY); os.read(f,4096); os.close(f)
    r['open+read']=(time.perf_counter()-t)/N*1e6
    t=time.perf_counter()
    for i in range(N): os.chmod(f"{d}/f{i}",0o600+(i&1))
    r['chmod']=(time.perf_counter()-t)/N*1e6
    t=time.perf_counter()
    for i in range(N): os.stat(f"{d}/f{i}")
    r['stat']=(time.perf_counter()-t)/N*1e6
    t=time.perf_counter()
    for i in range(N): os.unlink(f"{d}/f{i}")
    r['unlink']=(time.perf_counter()-t)/N*1e6
    M=b'y'*(1<<20); S=256
    f=os.open(f"{d}/big",os.O_CREAT|os.O_RDWR)
    t=time.perf_counter()
    for i in range(S): os.pwrite(f,M,i<<20)
    r['seqw1M MB/s']=S/(time.perf_counter()-t)
    t=time.perf_counter()
    for i in range(S): os.pwrite(f,M,i<<20)
    r['rewrite1M MB/s']=S/(time.perf_counter()-t)
    bb=bytearray(1<<20)
    t=time.perf_counter()
    for i in range(S): os.preadv(f,[bb],i<<20)
    r['read1M MB/s']=S/(time.perf_counter()-t)
    k=b'z'*4096
    t=time.perf_counter()
    for i in range(5000): os.pwrite(f,k,((i*7919)%65536)*4096)
    r['rndw4k us']=(time.perf_counter()-t)/5000*1e6
    t=time.perf_counter()
    for i in range(5000): os.preadv(f,[bb],((i*7919)%65536)*4096) if 0 else os.pread(f,4096,((i*7919)%65536)*4096)
    r['rndr4k us']=(time.perf_counter()-t)/5000*1e6
    os.close(f); os.unlink(f"{d}/big")
    return r
res={d:[] for d in sys.argv[1:]}
for _ in range(3):
    for d in sys.argv[1:]: res[d].append(bench(d))
ks=res[sys.argv[1]][0].keys()
print(f"{'':18}"+"".join(f"{d[-12:]:>14}" for d in res))
for k in ks: print(f"{k:18}"+"".join(f"{statistics.median(x[k] for x in res[d]):14.1f}" for d in res))
