import Testing

@testable import HTTPClient

@Suite struct StallWatchTests {
    @Test func aTrickleIsAStall() {
        var watch = StallWatch(window: .seconds(10), rate: 100)
        let start = ContinuousClock.now
        var stalledAt: Int?
        for second in 0..<30 where watch.isStalled(at: start + .seconds(second), moved: Int64(second)) {
            stalledAt = second
            break
        }
        #expect((10...13).contains(stalledAt ?? 0))
    }

    @Test func enoughIsNoStall() {
        var watch = StallWatch(window: .seconds(10), rate: 100)
        let start = ContinuousClock.now
        for second in 0..<100 {
            let isStalled = watch.isStalled(at: start + .seconds(second), moved: Int64(second) * 110)
            #expect(!isStalled)
        }
    }

    @Test func aBurstDoesNotHideAStop() {
        var watch = StallWatch(window: .seconds(10), rate: 100)
        let start = ContinuousClock.now
        var stalledAt = 0
        for second in 0..<60 where watch.isStalled(at: start + .seconds(second), moved: second > 4 ? 1 << 30 : 0) {
            stalledAt = second
            break
        }
        #expect((15...19).contains(stalledAt))
    }
}
