#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# Collects a mailbox with Perl's Net::POP3: one file a message.
#
# usage: net_pop3.pl plain|stls|tls PORT USER CA-FILE FOLDER keep|delete
use strict;
use warnings;
use Net::POP3;

my ($transport, $port, $user, $ca, $folder, $mode) = @ARGV;
my @tls = (SSL_ca_file => $ca, SSL_verifycn_name => 'localhost');
my $pop = Net::POP3->new('localhost', Port => $port, Timeout => 60,
	$transport eq 'tls' ? (SSL => 1, @tls) : ()) or die "connect: $@";
$pop->starttls(@tls) or die 'STLS: ', $pop->message
	if $transport eq 'stls';
my $count = $pop->login($user, 'demo');
die 'login: ', $pop->message unless defined $count;
for my $number (1 .. $count) {
	open my $file, '>:raw', "$folder/$number" or die $!;
	$pop->get($number, $file) or die "RETR $number: ", $pop->message;
	close $file or die $!;
	$pop->delete($number) or die "DELE $number" if $mode eq 'delete';
}
$pop->quit or die 'QUIT: ', $pop->message;
