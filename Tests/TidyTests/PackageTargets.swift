import Foundation

/// The targets of Package.swift, read from its text, because the package tool cannot run during the
/// tests.
struct PackageTargets {
    let name: String
    let path: String
    /// Every name in the declaration: modules, and products of other packages.
    let dependencies: Set<String>

    static func read() throws -> [PackageTargets] {
        let text = SourceFile("Package.swift").text
        let start = text.firstRange(of: "    targets: [")?.upperBound ?? text.startIndex
        let call =
            #/(shared|domain|main|executable|test|\.\w*[tT]arget|\.systemLibrary)\(/#
        return text[start...].matches(of: call).map { match in
            let body = arguments(text[match.range.upperBound...])
            let names = body.matches(of: #/"([^"]*)"/#).map { String($0.output.1) }
            return target(String(match.output.1), names, in: body)
        }
    }

    private static func target(
        _ kind: String, _ names: [String], in body: Substring
    ) -> PackageTargets {
        let first = names.first ?? ""
        let path = body.firstMatch(of: #/path: "([^"]*)"/#).map { String($0.output.1) }
        var rest = Set(names.dropFirst())
        let name: String
        switch kind {
        case "domain":
            name = "\(first)Domain"
            rest.formUnion(["Contracts", "EventSourcing"])
        case "main":
            name = "\(first)Main"
            rest.formUnion([
                "Contracts", "EventSourcing", "EventStoreClient", "ServiceKit", "WireProtocol",
            ])
        case "executable":
            // Without modules in the declaration, it depends on the service's Main module.
            name = first
            let service = names.dropFirst().first ?? ""
            rest = Set(names.dropFirst(2))
            if rest.isEmpty { rest = ["\(service)Main"] }
            rest.insert("ServiceKit")
        default: name = first
        }
        let folder =
            switch kind {
            case "shared": "Shared/\(first)"
            case "domain": "Services/\(first)/Domain"
            case "main": "Services/\(first)/Main"
            case "executable": "Services/\(names.dropFirst().first ?? "")/Executable"
            case "test": "Tests/\(first)"
            default: path ?? "Sources/\(first)"
            }
        return PackageTargets(name: name, path: folder, dependencies: rest)
    }

    /// Returns the text before the parenthesis that closes the call.
    private static func arguments(_ text: Substring) -> Substring {
        var depth = 1
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return text
    }
}
