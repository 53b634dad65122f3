import Foundation

/// What the system says of this process, under the names that Prometheus' clients give it.
enum ProcessMetrics {
    /// What /proc does not tell is left out.
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

    /// From the line in /proc/self/stat; a process's name, in brackets, may hold anything.
    static func metrics(stat: String, pageBytes: Int) -> [Metric] {
        let fields = (stat.split(separator: ")").last ?? "").split(separator: " ")
        // By proc(5)'s numbers, of which the first two are before the bracket.
        func field(_ number: Int) -> Double? {
            fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil
        }
        guard let user = field(14), let system = field(15), let start = field(22),
            let virtual = field(23), let resident = field(24)
        else { return [] }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        return [
            .counter(
                "process_cpu_seconds_total", "Time on the processors, user and system.",
                seconds: (user + system) / ticks),
            .gauge(
                "process_resident_memory_bytes", "Resident memory.",
                resident * Double(pageBytes)),
            .gauge("process_virtual_memory_bytes", "Virtual memory.", virtual),
            .gauge(
                "process_start_time_seconds", "When the process began, since 1970.",
                bootTime + start / ticks),
        ]
    }

    /// When the machine was started, in seconds since 1970.
    private static let bootTime: Double = {
        let lines = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let line = lines.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) } ?? 0
    }()
}
