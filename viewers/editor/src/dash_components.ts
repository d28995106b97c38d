/** What Dash finds on the page, by namespace and name. */

import { Pages } from "./pages/Pages";
import { CuboidEditor } from "./ui/CuboidEditor";

declare global {
  interface Window {
    lidar_label: Record<string, unknown>;
  }
}

window.lidar_label = { ...window.lidar_label, CuboidEditor, Pages };
