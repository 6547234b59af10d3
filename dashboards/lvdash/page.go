package lvdash

const (
	gridColumns    = 12
	oldGridColumns = 6
)

func (d *Dashboard) pages(c cursor) {
	for _, x := range c.list() {
		p := &Page{Name: x.at("name").must(), Title: x.at("displayName").str()}
		if p.Title == "" {
			p.Title = p.Name
		}
		p.Global = x.at("pageType").str() == "PAGE_TYPE_GLOBAL_FILTERS"
		right := 0
		for _, it := range x.at("layout").list() {
			item := d.item(it, p)
			right = max(right, item.X+item.W)
			p.Items = append(p.Items, item)
		}
		p.widen(right > oldGridColumns || x.at("layoutVersion").scalar() == "GRID_V1")
		d.Pages = append(d.Pages, p)
	}
}

// widen brings a page of 6 columns to 12 and clips what reaches beyond.
func (p *Page) widen(wide bool) {
	for i := range p.Items {
		it := &p.Items[i]
		if !wide {
			it.X, it.W = 2*it.X, 2*it.W
		}
		it.X = min(max(it.X, 0), gridColumns-1)
		it.W = min(max(it.W, 1), gridColumns-it.X)
		it.Y, it.H = max(it.Y, 0), max(it.H, 1)
	}
}

// maxRows bounds a position, so that one wild number can't make a page miles long.
const maxRows = 2000

func (d *Dashboard) item(c cursor, p *Page) Item {
	pos := c.at("position")
	it := Item{
		X: pos.at("x").int(0), Y: min(pos.at("y").int(0), maxRows),
		W: pos.at("width").int(gridColumns), H: min(pos.at("height").int(1), maxRows),
	}
	it.Widget = d.widget(c.at("widget"), p)
	return it
}
