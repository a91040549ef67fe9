// The chart library behind one name, so that it is loaded apart from the page.
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export function createChart(options: UPlot.Options, data: UPlot.AlignedData, element: HTMLElement): UPlot {
  return new UPlot(options, data, element);
}
