import CoreMetrics
import Prometheus

extension Registry {
    /// The process's own: what anything in it counts by swift-metrics is served with the rest.
    static let ofProcess: Registry = {
        let registry = Registry(help: [
            "daybook_calls_total": "Commands and queries taken, by what they came to.",
            "daybook_call_seconds": "How long it took to answer commands and queries.",
        ])
        MetricsSystem.bootstrap(registry)
        return registry
    }()
}
