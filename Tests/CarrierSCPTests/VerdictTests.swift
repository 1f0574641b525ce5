import CSSH2
import Fabric
import Testing

@testable import CarrierSCP

@Suite("What codes mean")
struct VerdictTests {
    @Test("Every code of libssh2 1.10 is in the table, and so is every status of SFTP")
    func complete() {
        for code in Int32(1)...49 { #expect(SSHVerdict.codes[-code] != nil, "libssh2 code -\(code)") }
        for status in UInt(1)...21 { #expect(SSHVerdict.statuses[status] != nil, "SFTP status \(status)") }
        #expect(SSHVerdict.of(-1000).reason == SSHVerdict.surprise.reason)
        #expect(SSHVerdict.of(status: 1000).action == .tryNextRoute)
    }

    @Test("The ones that matter")
    func kinds() {
        #expect(SSHVerdict.of(LIBSSH2_ERROR_SOCKET_DISCONNECT).kind == .unreachable)
        #expect(SSHVerdict.of(LIBSSH2_ERROR_HOSTKEY_SIGN).kind == .hostKeyChanged)
        #expect(SSHVerdict.of(LIBSSH2_ERROR_HOSTKEY_SIGN).action == .waitForPerson)
        #expect(SSHVerdict.of(LIBSSH2_ERROR_TIMEOUT).kind == .stalled)
        #expect(SSHVerdict.of(status: 14).kind == .full)
        #expect(SSHVerdict.of(status: 2).kind == .misconfigured)
        #expect(SSHVerdict.of(status: 3).kind == .refused)
        let route = Route(scheme: "scp", address: "h:x")
        #expect(SSHFailure.cancelled.error(along: route).kind == .cancelled)
        #expect(SSHFailure.stalled(during: "x").error(along: route).isRetryable)
    }

    @Test("A trickle is stalled, steady bytes are not")
    func pace() {
        let start = ContinuousClock.now
        func isStalled(bytesPerSecond: Int) -> Bool {
            var watch = PaceWatch(window: .seconds(30), rate: 256)
            return (0...600).contains { tick in
                watch.isStalled(at: start + .milliseconds(tick * 100), moved: Int64(tick * bytesPerSecond / 10))
            }
        }
        #expect(isStalled(bytesPerSecond: 0))
        #expect(isStalled(bytesPerSecond: 200))
        #expect(!isStalled(bytesPerSecond: 300))
        var watch = PaceWatch(window: .seconds(30), rate: 256)
        let early = (0...60).first { watch.isStalled(at: start + .seconds($0), moved: Int64($0) * 1000) }
        #expect(early == nil)
        // Then nothing: noticed between one window and a quarter more.
        let noticed = (60...120).first { watch.isStalled(at: start + .seconds($0), moved: 60_000) }
        #expect((85...100).contains(noticed ?? 0))
    }

    @Test("What a host offers is read from its first packet")
    func offer() {
        let names =
            WireReader.string(Array("curve25519-sha256".utf8)) + WireReader.string(Array("rsa-sha2-512,ssh-rsa".utf8))
        let packet = WireReader.uint32(100) + [4, 20] + [UInt8](repeating: 9, count: 16) + names
        let offer = ServerOffer(Array("hello\r\nSSH-2.0-OpenSSH_9.2p1 Debian\r\n".utf8) + packet)
        #expect(offer?.software == "OpenSSH_9.2p1")
        #expect(offer?.hostKeyAlgorithms == ["rsa-sha2-512", "ssh-rsa"])
        #expect(ServerOffer(Array("SSH-2.0-x\r\n".utf8) + packet.prefix(20))?.hostKeyAlgorithms == [])
        #expect(ServerOffer(Array("hello".utf8)) == nil)
    }
}
