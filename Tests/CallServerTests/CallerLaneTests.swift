import CallServer
import Testing
import WireProtocol

@Suite struct `Queue of clients` {
    @Test func `Clients take turns, each with its elements in order`() {
        var queue = FairQueue<Int>()
        let ann = Caller(name: "ann", permissions: .everything)
        for number in 1...4 { queue.append(number, to: CallerLane(ann, [UInt8(number)])) }
        queue.append(10, to: CallerLane(.local, [1]))
        queue.append(20, to: CallerLane(.local, [2]))
        queue.append(11, to: CallerLane(.local, [1]))
        var order: [Int] = []
        while let next = queue.popFirst() { order.append(next) }
        #expect(order == [1, 10, 20, 2, 11, 3, 4])
        queue.append(5, to: CallerLane(ann, []))
        #expect(queue.popFirst() == 5 && queue.popFirst() == nil)
    }

    @Test func `Client with costly elements waits for those with cheap ones`() {
        var queue = FairQueue<Int>()
        let (costly, cheap) = (CallerLane.key("costly"), CallerLane.key("cheap"))
        for number in 1...3 { queue.append(number, to: costly) }
        #expect(queue.popFirst() == 1)
        queue.charge(.seconds(10), to: costly)
        for number in 11...19 { queue.append(number, to: cheap) }
        for number in 11...14 {
            #expect(queue.popFirst() == number)
            queue.charge(.seconds(3), to: cheap)
        }
        // By now, the cheap ones have taken longer.
        #expect(queue.popFirst() == 2)
        queue.charge(.seconds(10), to: costly)
        // A client that comes later does not wait for what others have had.
        queue.append(21, to: .key("new"))
        #expect([queue.popFirst(), queue.popFirst()].contains(21))
        var rest: Set<Int> = []
        while let next = queue.popFirst() { rest.insert(next) }
        #expect(rest.isSuperset(of: [3, 16, 17, 18, 19]))
    }
}
