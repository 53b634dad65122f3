package import CoreMetrics

extension Registry {
    /// The process's registry, which collects everything that swift-metrics records.
    package static let ofProcess: Registry = {
        let registry = Registry(help: [
            "daybook_calls_total": "Commands and queries, by outcome.",
            "daybook_call_seconds": "The time to answer a command or query, in seconds.",
            "daybook_handshakes_refused_total":
                "Denied TCP handshakes: the key is unknown, revoked or connects too often.",
        ])
        MetricsSystem.bootstrap(registry)
        // The counter exists from the start, because an alert can't fire on a missing metric.
        _ = deniedHandshakes(in: registry)
        return registry
    }()

    private static func deniedHandshakes(in registry: Registry) -> Counter {
        Counter(label: "daybook_handshakes_refused", factory: registry)
    }

    /// The counter of handshakes that the authenticator denied.
    package static var deniedHandshakes: Counter { deniedHandshakes(in: ofProcess) }
}
