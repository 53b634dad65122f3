import Foundation

/// The system's metrics of this process, with the names that Prometheus client libraries use.
enum ProcessMetrics {
    /// Returns the metrics that /proc has.
    static func read() -> [Metric] {
        var metrics: [Metric] = []
        if let status = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8) {
            metrics = self.metrics(stat: status, pageBytes: Int(getpagesize()))
        }
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            metrics.append(
                .gauge("process_open_fds", "Open file descriptors.", Double(open.count)))
        }
        return metrics
    }

    /// Returns the metrics in the line of /proc/self/stat, or none if it is malformed.
    static func metrics(stat: String, pageBytes: Int) -> [Metric] {
        // The process's name, in parentheses, may contain spaces and parentheses.
        let fields = (stat.split(separator: ")").last ?? "").split(separator: " ")
        // The numbers are those of proc(5). Fields 1 and 2 are before the parenthesis.
        func field(_ number: Int) -> Double? {
            fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil
        }
        guard let user = field(14), let system = field(15), let start = field(22),
            let virtual = field(23), let resident = field(24)
        else { return [] }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        return [
            .counter(
                "process_cpu_seconds_total", "CPU time, user and system, in seconds.",
                seconds: (user + system) / ticks),
            .gauge(
                "process_resident_memory_bytes", "Resident memory.",
                resident * Double(pageBytes)),
            .gauge("process_virtual_memory_bytes", "Virtual memory.", virtual),
            .gauge(
                "process_start_time_seconds", "When the process started, in seconds since 1970.",
                bootTime + start / ticks),
        ]
    }

    /// The time at which the machine started, in seconds since 1970.
    private static let bootTime: Double = {
        let lines = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let line = lines.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) } ?? 0
    }()
}
