import Testing

@testable import Observability

struct `Process metrics` {
    @Test func `Process metrics have Prometheus's standard names`() throws {
        let names = Set(ProcessMetrics.read().map(\.name))
        #expect(
            names == [
                "process_cpu_seconds_total", "process_open_fds", "process_resident_memory_bytes",
                "process_start_time_seconds", "process_virtual_memory_bytes",
            ])
    }

    @Test func `Process metrics are read behind a name with spaces and parentheses`() {
        let stat =
            "7 (a) b (c)) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 1000 4096000 25 0 0"
        let metrics = ProcessMetrics.metrics(stat: stat, pageBytes: 4096)
        #expect(metrics.map(\.name).first == "process_cpu_seconds_total")
        #expect(
            metrics.contains(
                .gauge("process_resident_memory_bytes", "Resident memory.", 102_400)))
        #expect(ProcessMetrics.metrics(stat: "7 (a) S", pageBytes: 4096).isEmpty)
    }
}
