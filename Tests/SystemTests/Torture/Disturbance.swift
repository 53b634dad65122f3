import Bytes
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

/// The disturbances of a suite under torture, one after the other. Each is over when its method
/// returns, and every process runs again.
struct Disturbance {
    /// The kinds of disturbances.
    enum Kind: String, CaseIterable {
        case kill, killAll, stop, terminate, clock, fullDisk, pausedQueue
    }

    private static let processes = ["event-store"] + Suite.services
    private static let queues = ["orders", "route", "balance", "creditLimit"]

    let suite: Suite
    /// The file with the shift of the processes' wall clock, in seconds.
    let clock: URL
    /// The kinds that this machine can have.
    let kinds: [Kind]
    private(set) var counts: [Kind: Int] = [:]

    /// - Parameter fillsDisk: whether the home is on a file system of its own, which may be filled.
    init(_ suite: Suite, fillsDisk: Bool) throws {
        self.suite = suite
        clock = URL(filePath: "\(suite.home)/clock")
        kinds = Kind.allCases.filter {
            switch $0 {
            case .fullDisk: fillsDisk
            case .clock: suite.environment["LD_PRELOAD"] != nil
            default: true
            }
        }
        try shiftClock(by: 0)
    }

    mutating func disturb(_ random: inout SplitMix) async throws {
        let kind = kinds.randomElement(using: &random) ?? .kill
        counts[kind, default: 0] += 1
        try restart()
        let victim = Self.processes.randomElement(using: &random) ?? "event-store"
        switch kind {
        case .kill: suite.kill(victim)
        case .killAll: for process in Self.processes { suite.kill(process) }
        case .stop:
            suite.signal(victim, SIGSTOP)
            try await last(.random(in: 0.1...5, using: &random))
            suite.signal(victim, SIGCONT)
        case .terminate:
            let status = suite.terminate(victim) ?? 0
            // One that has just started does not handle the signal yet.
            if status < 0, status != -SIGTERM { note(crashOf: victim, by: -status) }
        case .clock:
            try shiftClock(by: [-3600, -60, 60, 3600].randomElement(using: &random) ?? 0)
            try await last(.random(in: 0.5...5, using: &random))
            try shiftClock(by: 0)
        case .fullDisk: try await fillDisk(for: .random(in: 0.5...3, using: &random))
        case .pausedQueue:
            let queue = Self.queues.randomElement(using: &random) ?? "orders"
            _ = try suite.run("event-store", "queues", "pause", queue)
            try await last(.random(in: 0.1...2, using: &random))
            try resume(queue)
        }
        try restart()
    }

    /// Starts every process that does not run.
    func restart() throws {
        for process in Self.processes where !suite.isRunning(process) {
            // The suite no longer has those that this test has ended. Others may end because the
            // disk is full, but not by a signal.
            if let status = suite.waitForExit(of: process), status < 0 {
                note(crashOf: process, by: -status)
            }
            try suite.start(process)
        }
    }

    private func note(crashOf process: String, by signal: Int32) {
        let log = suite.log(of: process).suffix(2000)
        Issue.record("signal \(signal) has ended \(process): \(log)")
    }

    private func resume(_ queue: String) throws {
        while try suite.run("event-store", "queues", "resume", queue).status != 0 { try restart() }
    }

    // The length of a disturbance is what makes it one: there is no condition to wait for.
    private func last(_ seconds: Double) async throws {
        try await Task.sleep(for: .seconds(seconds))
    }

    private func shiftClock(by seconds: Double) throws {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: seconds.bitPattern)
        // Overwritten in place, because the processes have mapped the file.
        if FileManager.default.fileExists(atPath: clock.path) {
            let file = try FileHandle(forUpdating: clock)
            try file.write(contentsOf: bytes)
            try file.close()
        } else {
            try Data(bytes).write(to: clock)
        }
    }

    /// Leaves no free space. Processes that end for it are started again later.
    private func fillDisk(for seconds: Double) async throws {
        let ballast = "\(suite.home)/ballast"
        // Fails when the disk is full, as it should.
        _ = try suite.shell("dd if=/dev/zero of=\(ballast) bs=1M status=none 2>/dev/null")
        try await last(seconds)
        try FileManager.default.removeItem(atPath: ballast)
    }
}
