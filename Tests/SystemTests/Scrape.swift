import Foundation
import IntegrationHarness

/// The metrics that a process serves, parsed strictly as the text format of Prometheus.
struct Scrape {
    struct Malformed: Error, CustomStringConvertible { let description: String }

    struct Family {
        let kind: String
        /// The values, by name and labels as written.
        var samples: [String: Double] = [:]
    }

    private(set) var families: [String: Family] = [:]

    /// The value of the sample with this name and these labels.
    subscript(sample: String) -> Double? {
        families.values.lazy.compactMap { $0.samples[sample] }.first
    }

    /// Reads the text strictly: each family has a help, a type and then its samples, without
    /// duplicates.
    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Malformed(description: "no end of the last line") }
        var (helped, current): (Substring, Substring) = ("", "")
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            if let help = line.wholeMatch(of: /# HELP ([a-z_]+) .*\./) {
                helped = help.output.1
            } else if let type = line.wholeMatch(of: /# TYPE ([a-z_]+) (counter|gauge|histogram)/) {
                current = type.output.1
                guard current == helped, families[String(current)] == nil else {
                    throw Malformed(description: "no help, or a second type: \(line)")
                }
                families[String(current)] = Family(kind: String(type.output.2))
            } else {
                try take(line, in: String(current))
            }
        }
        for (name, family) in families { try check(name, family) }
    }

    private mutating func take(_ line: Substring, in family: String) throws {
        let sample =
            #/(([a-z_]+)(?:\{[a-z]+="(?:[^"\\]|\\.)*"(?:,[a-z]+="(?:[^"\\]|\\.)*")*\})?) (\S+)/#
        guard let match = line.wholeMatch(of: sample), let value = Double(match.output.3),
            let kind = families[family]?.kind,
            (kind == "histogram" ? ["_bucket", "_sum", "_count"] : [""])
                .contains(where: { match.output.2 == family + $0 }),
            families[family]?.samples.updateValue(value, forKey: String(match.output.1)) == nil
        else { throw Malformed(description: "no figure of \(family), or a second one: \(line)") }
    }

    private func check(_ name: String, _ family: Family) throws {
        guard !family.samples.isEmpty, (family.kind == "counter") == name.hasSuffix("_total"),
            family.kind == "gauge" || family.samples.values.allSatisfy({ $0 >= 0 })
        else { throw Malformed(description: "\(name) is not what a \(family.kind) is") }
        guard family.kind == "histogram" else { return }
        let counts = family.samples.filter { $0.key.hasPrefix(name + "_count") }
        for (key, count) in counts {
            let labels = key.dropFirst((name + "_count").count)
            let start = name + "_bucket" + (labels.isEmpty ? "{" : labels.dropLast() + ",") + "le="
            let buckets = family.samples.filter { $0.key.hasPrefix(start) }
                .compactMap { bucket -> (bound: Double, count: Double)? in
                    let bound = bucket.key.dropFirst(start.count).dropLast().dropFirst().dropLast()
                    return Double(bound == "+Inf" ? "inf" : bound).map { ($0, bucket.value) }
                }.sorted { $0.bound < $1.bound }
            guard buckets.last?.bound == .infinity, buckets.last?.count == count,
                zip(buckets, buckets.dropFirst()).allSatisfy({ $0.count <= $1.count }),
                family.samples["\(name)_sum\(labels)"] != nil
            else { throw Malformed(description: "\(key) is not the last of its buckets") }
        }
    }
}

extension Suite {
    /// Sends a GET to the process's metrics socket and returns the answer.
    func get(_ path: String, of name: String) throws -> (status: String, body: String) {
        let socket = "\(home)/\(name).metrics.sock"
        let deadline = Date.now + 60
        while isRunning(name), .now < deadline, !FileManager.default.fileExists(atPath: socket) {
            // The process answers its clients a moment before it has this socket.
            Thread.sleep(forTimeInterval: 0.01)
        }
        let connection = try RawConnection(to: "ipc://\(socket)", timeout: 30)
        connection.send(Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        return connection.answer()
    }

    func scrape(_ name: String) throws -> Scrape { try Scrape(try get("/metrics", of: name).body) }
}

extension RawConnection {
    /// Receives an HTTP answer until the other end closes.
    func answer() -> (status: String, body: String) {
        var received: [UInt8] = []
        _ = receive(&received) { _ in false }
        let text = String(decoding: received, as: UTF8.self)
        let parts = text.components(separatedBy: "\r\n\r\n")
        let status = parts[0].components(separatedBy: "\r\n")[0]
        return (status, parts.dropFirst().joined(separator: "\r\n\r\n"))
    }
}
