import Foundation
import Testing
import WireProtocol

@testable import EventStoreCommandLine

@Suite struct `Health of a worker's command` {
    private var health = CommandHealth()

    private func ending(_ status: Int32?, _ errors: String = "") -> Shell.Ending {
        Shell.Ending(status: status, signal: status == nil ? 9 : nil, errors: Data(errors.utf8))
    }

    private func failure(_ error: String) -> Acknowledgement.Verdict {
        .failed(error: error, delay: nil)
    }

    @Test(arguments: [126, 127] as [Int32])
    func `Three runs that the shell could not start say that the command can't run`(status: Int32) {
        var health = CommandHealth()
        for _ in 1...2 {
            #expect(health.verdict(on: ending(status, "sh: x: not found\n")) == .returned)
            #expect(health.fault == nil)
        }
        #expect(health.verdict(on: ending(status, "sh: x: not found\n")) == .returned)
        #expect(health.fault == "sh: x: not found (exit status \(status))")
        #expect(health.takePause() == nil)
    }

    @Test(arguments: [0, 1, nil] as [Int32?])
    mutating func `Command that could be started once can run`(status: Int32?) {
        #expect(health.verdict(on: ending(127)) == .returned)
        _ = health.verdict(on: ending(status))
        let fault = "the command ended with status 127"
        for _ in 1...10 { #expect(health.verdict(on: ending(127)) == failure(fault)) }
        #expect(health.fault == nil)
    }

    @Test mutating func `Worker pauses longer and longer after five failures in a row`() {
        for _ in 1...4 { #expect(health.verdict(on: ending(1, "no")) == failure("no")) }
        #expect(health.takePause() == nil)
        #expect(health.failed("no space") == failure("no space"))
        #expect(health.takePause()?.isFirst == true)
        #expect(health.takePause()?.isFirst == false)
        var pauses: [Duration] = []
        for _ in 1...8 { if let pause = health.takePause() { pauses.append(pause.duration) } }
        #expect(pauses == [4, 8, 16, 32, 60, 60, 60, 60].map { .seconds($0) })
        #expect(health.verdict(on: ending(0)) == .acknowledged)
        #expect(health.takePause() == nil)
        for _ in 1...5 { _ = health.verdict(on: ending(nil)) }
        #expect(health.takePause()?.isFirst == true)
    }

    @Test func `Pause is not longer than the queue's longest back-off`() {
        var health = CommandHealth(longestBackoff: .milliseconds(200))
        for _ in 1...5 { _ = health.verdict(on: ending(1)) }
        for _ in 1...3 { #expect(health.takePause()?.duration == .milliseconds(200)) }
        health = CommandHealth(longestBackoff: .seconds(300))
        for _ in 1...5 { _ = health.verdict(on: ending(1)) }
        let pauses = (1...10).map { _ in health.takePause()?.duration }
        #expect(pauses.last == CommandHealth.longestPause)
    }
}
