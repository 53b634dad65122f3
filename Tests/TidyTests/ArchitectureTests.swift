import Foundation
import TestSupport
import Testing

@Suite(.mayBlock) struct Architecture {
    private let sources = SourceTree.swift.filter { !isTest($0.path) }

    private static func isTest(_ path: String) -> Bool {
        path.hasPrefix("Tests/") || path.hasPrefix("examples/new-service/Tests/")
    }

    @Test func `Architecture tests find all sources, and no file is empty`() {
        #expect(sources.count > 100)
        #expect(SourceTree.swift.allSatisfy { !$0.text.isEmpty })
    }

    @Test func `Imports point down only`() {
        for file in sources {
            guard let (layer, allowed) = Layer.of(file.path) else {
                Issue.record("\(file.path) is in no layer of Tests/TidyTests/Layers.swift")
                continue
            }
            for (module, line) in file.imports where !allowed.contains(module) {
                Issue.record(
                    "\(Finding(file, line, "\(layer.folder) may not import \(module)"))")
            }
        }
    }

    @Test func `Package declares every import and no upward dependency`() throws {
        let targets = try PackageTargets.read()
        #expect(targets.count > 40)
        let modules = Set(targets.map(\.name))
        for file in sources {
            guard let target = targets.first(where: { file.path.hasPrefix($0.path + "/") }) else {
                Issue.record("\(file.path) is in no target of Package.swift")
                continue
            }
            for (module, line) in file.imports
            where modules.contains(module) && !target.dependencies.contains(module) {
                Issue.record(
                    "\(Finding(file, line, "\(target.name) imports \(module) undeclared"))")
            }
            let allowed = Layer.of(file.path)?.imports ?? []
            for module in target.dependencies.intersection(modules) where !allowed.contains(module)
            {
                Issue.record("Package.swift: \(target.name) may not depend on \(module)")
            }
        }
    }

    /// A domain gets times and random values as parts of its commands.
    @Test func `Domains use no clock, randomness, task or system call`() {
        let impure =
            #/
            \b(Date|UUID|FileManager|ProcessInfo|Process|DispatchQueue|Thread|Task|URLSession
            |ContinuousClock|SuspendingClock|print|getenv|readLine|async|await|actor)\b
            | \.now\b | \.random | \.shuffle | RandomNumberGenerator
            /#
        for file in sources where file.path.contains("/Domain/") {
            for (index, line) in file.code.enumerated() where line.contains(impure) {
                Issue.record(
                    "\(Finding(file, index + 1, "a domain has no clock, randomness or task"))")
            }
        }
    }

    /// Files that may have unsafe code, with the reason.
    private static let unsafeFiles = [
        "Services/EventStore/Archive/Zlib.swift": "zlib",
        "Services/EventStore/Log/Admission.swift": "text in the bytes of a record",
        "Services/EventStore/Log/Chain/ChainFold.swift": "records lie in the bytes of a segment",
        "Services/EventStore/Log/Chain/ChainHash.swift": "SHA-256 takes its bytes by a pointer",
        "Services/EventStore/Log/EventLog+lookup.swift": "records lie in the bytes of a segment",
        "Services/EventStore/Log/EventLog.swift": "records lie in the bytes of a segment",
        "Services/EventStore/Log/FileStorage.swift": "system calls",
        "Shared/EventSourcing/Names/EventID.swift": "text from bytes without a copy",
        "Shared/EventSourcing/Record/CRC32C.swift": "eight bytes at a time",
        "Shared/EventSourcing/Record/NewEvent.swift": "bytes of an integer",
        "Shared/EventSourcing/Record/RecordLayout.swift": "integers from bytes",
        "Shared/ObjectStorage/FolderObjectStorage.swift": "system calls",
        "Shared/ServiceKit/Process/FolderLock.swift": "system calls",
        "Shared/ServiceKit/Projections/ProjectedStore.swift": "a system call: rename",
        "Shared/ZeroMQ/ConnectionTable.swift": "system calls",
        "Shared/ZeroMQ/Context.swift": "libzmq",
        "Shared/ZeroMQ/CurveKey.swift": "libzmq",
        "Shared/ZeroMQ/HandshakeGuard.swift": "libzmq; @unchecked: its thread has its sockets",
        "Shared/ZeroMQ/Frame.swift": "libzmq; @unchecked: a frame owns its bytes alone",
        "Shared/ZeroMQ/LoopThread.swift": "libzmq; its waits are its own",
        "Shared/ZeroMQ/Socket.swift": "libzmq",
        "Shared/ZeroMQ/SocketLoop.swift": "an executor's reference to itself",
        "Shared/ZeroMQ/Streams/StreamConnection.swift": "system calls",
        "Shared/ZeroMQ/Streams/StreamListener.swift": "system calls",
        "Shared/ZeroMQ/ZeroMQError.swift": "libzmq",
    ]

    @Test func `Unsafe code is only in files that are listed with a reason`() {
        let escape = #/@unchecked Sendable|nonisolated\(unsafe\)|\bunsafe\b/#
        for file in sources where Self.unsafeFiles[file.path] == nil {
            for (index, line) in file.code.enumerated()
            where line.replacing("unsafe loop.asUnownedSerialExecutor()", with: "").contains(escape)
            {
                Issue.record("\(Finding(file, index + 1, "unsafe code outside the list"))")
            }
        }
        for path in Self.unsafeFiles.keys where !SourceTree.exists(path) {
            Issue.record("\(path) is listed as unsafe, but does not exist")
        }
    }
}
