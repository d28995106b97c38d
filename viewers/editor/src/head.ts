/** Stands in the head of every page, as `viewers/pages/app.py` puts it there. */

import { askEarly } from "./api/early";
import { passingBudget } from "./points/budget";

declare const LIDAR_LABEL_API: string;

askEarly(LIDAR_LABEL_API, window.location.pathname, passingBudget(window.localStorage));
