internal import CSSH2
internal import Fabric

/// Sends one file by the scp protocol. There is no document of it; this is what OpenSSH's scp.c does.
struct SCPUpload {
    let connection: SSHConnection
    let pace: PaceWatch

    /// Writes all of `outgoing` to `path`, an absolute path, which libssh2 quotes for the shell.
    ///
    /// - Parameter moved: Told how much of the envelope is on its way; may use the connection.
    func send(_ outgoing: Outgoing, to path: String, moved: (Int64) throws(SSHFailure) -> Void) throws(SSHFailure) {
        let (session, count) = (connection.session, outgoing.size - outgoing.position)
        let channel = try connection.open("starting scp") {
            libssh2_scp_send64(session, path, 0o644, count, 0, 0)
        }
        try stream(outgoing, over: channel, moved)
        try finish(channel)
        try connection.call("ending scp") { libssh2_channel_free(channel) }
    }

    private func stream(_ outgoing: Outgoing, over channel: OpaquePointer, _ moved: (Int64) throws(SSHFailure) -> Void)
        throws(SSHFailure)
    {
        var watch = pace
        while true {
            let bytes = try outgoing.fill()
            if bytes.isEmpty { return }
            connection.extend()
            let taken = libssh2_channel_write_ex(
                channel, 0, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
            if taken > 0 {
                outgoing.advance(by: taken)
                try moved(outgoing.position)
                try connection.checkCaller()
            } else if taken == 0 || Int32(taken) == LIBSSH2_ERROR_EAGAIN {
                try connection.rest("writing")
            } else {
                throw connection.failure(Int32(taken), "writing")
            }
            if watch.isStalled(at: .now, moved: connection.bytesSent) { throw .stalled(during: "writing") }
        }
    }

    /// Ends the file with a zero byte, to which the far side answers with another, or with what is wrong.
    private func finish(_ channel: OpaquePointer) throws(SSHFailure) {
        var byte: CChar = 0
        try connection.call("writing") { libssh2_channel_write_ex(channel, 0, &byte, 1) }
        let count = try connection.call("writing", within: connection.patience * 4) {
            libssh2_channel_read_ex(channel, 0, &byte, 1)
        }
        guard count == 1, byte == 0 else { throw .status(UInt(LIBSSH2_FX_FAILURE), during: "writing") }
    }
}
