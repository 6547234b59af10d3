package tablewriter
import ("testing";"log/slog";"os";"time";"context";"sync";"sync/atomic";"github.com/lakegate/lakegate/internal/inference")
func TestTmp(t *testing.T){
	cfg := crashConfig(t.TempDir())
	var n atomic.Int64
	start := time.Now()
	var reqs atomic.Int64
	cfg.FailPoint = func(p string){ if p!="admitted"&&p!="finished"&&p!="sync" { n.Add(1); t.Logf("%v %s %d", time.Since(start), p, reqs.Load()) } }
	w, err := Open(context.Background(), cfg, testFeeds(), slog.New(slog.NewTextHandler(os.Stderr,nil)))
	must(t, err)
	w.Admit(request("long"))
	var wg sync.WaitGroup
	for g := range 4 { wg.Go(func(){ for i:=0;i<4000;i++ { reqs.Add(1); (order{}).request(w,g,i,func(string, *inference.Record){}) } }) }
	wg.Wait()
	t.Logf("%+v", w.Stats())
	mustClose(t, w)
}
