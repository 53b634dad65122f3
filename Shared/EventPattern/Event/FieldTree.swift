/// The paths that patterns use, as a tree that is followed while an event is read. Each path has a
/// number, its field.
///
/// `a.b` is the member `b` of `a`, or a member named `a.b`. So several edges lead to a node, one
/// for each way to join the names of its path. The name of a member is looked up once, unchanged.
struct FieldTree: Sendable {
    private var fields: [Int32] = [-1]
    /// The lengths of the names that lead on from each node, as bits. They exclude most names of an
    /// event.
    private var lengths: [UInt64] = [0]
    private var edges = ByteSet()
    private var targets: [Int32] = []
    private var nodes: [[ArraySlice<UInt8>]: Int] = [[]: 0]
    private(set) var fieldCount = 0

    static let root = 0

    /// Returns the field of `path`, which may be new.
    mutating func field(of path: [UInt8]) -> Int {
        let steps = path.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        var chain = [Self.root]
        for end in 1...steps.count {
            let next = node(Array(steps[..<end]))
            for start in 0..<end {
                connect(chain[start], Array(steps[start..<end].joined(separator: [46])), next)
            }
            chain.append(next)
        }
        let node = chain[steps.count]
        if fields[node] < 0 {
            fields[node] = Int32(fieldCount)
            fieldCount += 1
        }
        return Int(fields[node])
    }

    /// Returns the field that ends at `node`, or nil.
    func field(at node: Int) -> Int? { fields[node] < 0 ? nil : Int(fields[node]) }

    /// Returns whether a path continues after `node`.
    func leadsOn(from node: Int) -> Bool { lengths[node] != 0 }

    func child(of node: Int, named name: Span<UInt8>) -> Int? {
        guard lengths[node] & Self.bit(name.count) != 0,
            let edge = edges.index(of: name, scope: Int32(node))
        else { return nil }
        return Int(targets[edge])
    }

    private static func bit(_ length: Int) -> UInt64 { 1 << UInt64(min(length, 63)) }

    private mutating func node(_ steps: [ArraySlice<UInt8>]) -> Int {
        if let node = nodes[steps] { return node }
        fields.append(-1)
        lengths.append(0)
        nodes[steps] = fields.count - 1
        return fields.count - 1
    }

    private mutating func connect(_ node: Int, _ name: [UInt8], _ target: Int) {
        lengths[node] |= Self.bit(name.count)
        if edges.insert(name, scope: Int32(node)) == targets.count {
            targets.append(Int32(target))
        }
    }
}
