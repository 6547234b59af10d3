// Dashboards that a careless or hostile author might hand in.

export const broken = '{"datasets": [],\n "pages": [{"name": "p",\n "layout": "everything"}]}';

const query = (dataset, fields, disaggregated = true) => [{ name: 'main_query', query: { datasetName: dataset, disaggregated, fields: fields.map((f) => ({ name: f, expression: '`' + f + '`' })) } }];
const at = (y, widget) => ({ position: { x: 0, y, width: 12, height: 4 }, widget });

export const hostile = JSON.stringify({
  datasets: [
    { name: 'd', displayName: 'Endpoints', query: "SELECT endpoint_name, count(*) AS n, 'javascript:window.hacked=1' AS url, 'https://example.test/' AS good_url FROM system.serving.endpoint_usage GROUP BY 1;" },
    { name: 'bad', displayName: 'Bad', query: 'SELEC 1' },
  ],
  pages: [{
    name: 'p', displayName: 'Page', layoutVersion: 'GRID_V1',
    layout: [
      at(0, { name: 'words', multilineTextboxSpec: { lines: ['# Hi <img src=x onerror="window.hacked=1">\n\n', '<script>window.hacked=1</script>', '[bad](javascript:window.hacked=1) [good](https://example.test) ![track](https://example.test/pixel.png)', '<div style="position:fixed;inset:0" onclick="window.hacked=1">text</div><iframe src="https://example.test"></iframe>'] } }),
      at(4, { name: 'good', queries: query('d', ['endpoint_name', 'n', 'url', 'good_url']), spec: { version: 1, widgetType: 'table', frame: { showTitle: true, title: '<b onmouseover=window.hacked=1>Good</b>' }, encodings: { columns: [
        { fieldName: 'endpoint_name', displayName: 'Endpoint', allowHTML: true }, { fieldName: 'n', displayName: 'Requests' },
        { fieldName: 'url', displayName: 'Bad link', displayAs: 'link', linkUrlTemplate: '{{ @ }}', linkTextTemplate: '{{ @ }}' },
        { fieldName: 'good_url', displayName: 'Good link', displayAs: 'link', linkUrlTemplate: '{{ @ }}', linkTextTemplate: 'open' }] } } }),
      at(8, { name: 'broken', queries: query('d', ['n']), spec: { version: 3, widgetType: 'pie', frame: { showTitle: true, title: 'Broken' } } }),
      at(12, { name: 'bad_sql', queries: query('bad', ['n']), spec: { version: 2, widgetType: 'table', frame: { showTitle: true, title: 'Bad SQL' } } }),
      at(16, { name: 'funnel', queries: query('d', ['endpoint_name', 'n']), spec: { version: 3, widgetType: 'funnel', frame: { showTitle: true, title: 'Funnel' } } }),
    ],
  }],
}, null, 1);
