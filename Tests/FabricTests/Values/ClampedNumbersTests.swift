import Testing

@testable import Fabric

@Suite("Numbers from elsewhere")
struct ClampedNumbersTests {
    @Test("A number that does not fit becomes the nearest that does")
    func doubles() {
        #expect(Int64(clamping: 1e300) == .max && Int64(clamping: -1e300) == .min)
        #expect(Int64(clamping: Double.infinity) == .max && Int64(clamping: -Double.infinity) == .min)
        #expect(Int64(clamping: Double.nan) == 0 && Int64(clamping: 2.9) == 2 && Int64(clamping: -2.9) == -2)
        #expect(Int64(clamping: 9.223372036854775807e18) == .max && UInt8(clamping: -1.0) == 0)
    }

    @Test("So do sums and products")
    func sums() {
        #expect(Int64.max.addingClamping(1) == .max && Int64.min.addingClamping(-1) == .min)
        #expect(Int64.max.multipliedClamping(by: 2) == .max && Int64.max.multipliedClamping(by: -2) == .min)
        #expect((3 as Int64).multipliedClamping(by: -2) == -6 && (3 as Int64).addingClamping(4) == 7)
    }

    @Test("A rest is never less than nothing, whatever is configured")
    func backOff() {
        var backOff = BackOff()
        backOff.shortest = .seconds(Int64.max / 2000)
        backOff.longest = .seconds(Int64.max / 1000)
        for failures in [1, 2, 41, Int.max] {
            let rest = backOff.rest(after: failures, wish: nil, jitter: 0.999)
            #expect(rest >= backOff.shortest.milliseconds && rest <= backOff.longest.milliseconds)
        }
    }
}
