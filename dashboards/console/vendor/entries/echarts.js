export { init, use, getInstanceByDom } from 'echarts/core';
import { use } from 'echarts/core';
import { LineChart, BarChart, PieChart, ScatterChart, HeatmapChart } from 'echarts/charts';
import { GridComponent, TooltipComponent, LegendComponent, LegendScrollComponent, MarkLineComponent, VisualMapContinuousComponent, AriaComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
use([LineChart, BarChart, PieChart, ScatterChart, HeatmapChart, GridComponent, TooltipComponent, LegendComponent, LegendScrollComponent, MarkLineComponent, VisualMapContinuousComponent, AriaComponent, SVGRenderer]);
